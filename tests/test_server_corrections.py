"""Corrections over HTTP: propose, list, decide, versions, pairs."""

import io
import threading

import pytest

from server.correction_bodies import (
    CorrectionListShape,
    CorrectionShape,
    PairListShape,
    VersionListShape,
)
from server.routes import corrections
from speech import correction_rows
from speech.errors import Conflict
from speech.jobs import NewJob
from tests import server_fixtures
from tests.key_fixtures import new_key
from tests.some_jobs import claimed
from tests.test_server_transcripts import lecture


@pytest.fixture
def where(client, monkeypatch):
    """The path of a transcript: 오늘은 자바를 배웁니다 | 먼저 설치를 하고 그다음 실행해 보겠습니다."""
    monkeypatch.setattr(server_fixtures, "HEARD", lecture())
    form = {"file": (io.BytesIO(b"RIFF...."), "a.wav")}
    made = client.post("/v1/audio/transcriptions", data=form).headers["X-Moksori-Job"]
    return f"/v1/transcripts/{made}"


def propose(client, where, first, last, text, **fields):
    body = {"first": first, "last": last, "text": text} | fields
    return client.post(f"{where}/corrections", json=body)


def decide(client, where, correction, state="accepted", **fields):
    return client.post(f"{where}/corrections/{correction}", json={"state": state} | fields)


def accept(client, where, *what, **fields):
    made = propose(client, where, *what, **fields)
    assert made.status_code == 201, made.json
    return decide(client, where, made.json["id"])


def test_a_proposal_changes_nothing_until_it_is_accepted(client, where):
    before = client.get(f"{where}/subtitles.srt").text
    made = propose(client, where, 1, 1, " JDK를  ", by="viewer 7")
    assert made.status_code == 201
    CorrectionShape.model_validate(made.json)
    told = {name: made.json[name] for name in ("before", "after", "start", "state", "proposed_by")}
    assert told == {
        "before": "자바를", "after": "JDK를", "start": 0.5, "state": "proposed",
        "proposed_by": "viewer 7",
    }  # fmt: skip
    assert client.get(f"{where}/subtitles.srt").text == before
    decided = decide(client, where, made.json["id"], by="editor").json
    assert (decided["state"], decided["version"], decided["decided_by"]) == (
        "accepted",
        1,
        "editor",
    )
    assert client.get(f"{where}/subtitles.srt").text == before.replace("자바를", "JDK를")


def test_a_correction_survives_other_rules(client, where):
    accept(client, where, 3, 8, "먼저 JDK를 설치하고 실행해 보겠습니다")
    for query in ("", "?max_chars=8", "?preset=broadcast", "?preset=spaced&line_chars=10"):
        told = client.get(f"{where}/cues.json{query}").json
        text = " ".join(cue["text"] for cue in told["cues"])
        assert text == "오늘은 자바를 배웁니다 먼저 JDK를 설치하고 실행해 보겠습니다"
        assert (told["cues"][0]["first"], told["cues"][-1]["last"]) == (0, 8)
    page = client.get(where).json
    assert (page["version"], page["text"]) == (1, text)
    kept = {word["word"].strip(): word["time_source"] for word in page["words"]}
    assert (kept["먼저"], kept["보겠습니다"]) == ("engine", "engine")


def test_every_version_can_be_read_with_who_made_it_and_what_changed(client, where):
    accept(client, where, 1, 1, "JDK를")
    accept(client, where, 8, 8, "보자")
    told = client.get(f"{where}/versions").json
    VersionListShape.model_validate(told)
    assert [one["version"] for one in told["data"]] == [0, 1, 2]
    assert told["data"][2]["diff"] == [{"op": "replace", "before": "보겠습니다", "after": "보자"}]
    texts = [client.get(f"{where}?version={n}").json["text"] for n in range(3)]
    assert ["JDK를" in text for text in texts] == [False, True, True]
    assert ["보자" in text for text in texts] == [False, False, True]
    missing = client.get(f"{where}?version=3")
    assert (missing.status_code, missing.json["error"]["code"]) == (400, "version_not_found")


def test_of_two_editors_on_one_cue_the_second_is_told_the_newest_version(client, where):
    one = propose(client, where, 3, 8, "먼저 설치를 해 봅시다", version=0).json
    two = propose(client, where, 3, 5, "우선 설치하고", version=0).json
    elsewhere = propose(client, where, 0, 0, "오늘", version=0).json
    assert decide(client, where, one["id"]).status_code == 200
    late = decide(client, where, two["id"])
    assert (late.status_code, late.json["error"]["code"]) == (409, "correction_outdated")
    assert late.headers["X-Moksori-Version"] == "1"
    again = propose(client, where, 4, 4, "설정을", version=0)
    assert (again.status_code, again.headers["X-Moksori-Version"]) == (409, "1")
    assert decide(client, where, elsewhere["id"]).json["version"] == 2
    assert decide(client, where, two["id"], "rejected").json["state"] == "rejected"


def test_what_was_decided_stays(client, where):
    made = propose(client, where, 0, 0, "오늘").json["id"]
    assert decide(client, where, made, "rejected").json["version"] is None
    assert decide(client, where, made, "rejected").status_code == 200
    other = decide(client, where, made, "accepted")
    assert (other.status_code, other.json["error"]["code"]) == (409, "correction_decided")


def test_corrections_are_listed_by_state_a_page_at_a_time(client, where):
    ids = [propose(client, where, n, n, f"말{n}").json["id"] for n in range(5)]
    decide(client, where, ids[1])
    decide(client, where, ids[2], "rejected")

    def listed(query=""):
        told = client.get(f"{where}/corrections{query}").json
        CorrectionListShape.model_validate(told)
        return [one["id"] for one in told["data"]], told["next"]

    assert listed() == (ids, None)
    assert listed("?state=proposed") == ([ids[0], ids[3], ids[4]], None)
    assert listed("?limit=2") == (ids[:2], ids[1])
    assert listed(f"?limit=2&after={ids[1]}") == (ids[2:4], ids[3])
    assert client.get(f"{where}/corrections?after=none").status_code == 404


def test_accepted_pairs_are_offered_to_the_lexicon(client, where):
    accept(client, where, 1, 1, "JDK를")
    propose(client, where, 8, 8, "보자")
    told = client.get(f"{where}/pairs").json
    PairListShape.model_validate(told)
    assert told["data"] == [{"heard": "자바를", "written": "JDK를", "times": 1}]


def test_words_can_be_removed_and_written_again(client, where):
    accept(client, where, 0, 2, "")
    assert client.get(where).json["text"].startswith("먼저")
    accept(client, where, 0, 2, "오늘은 JDK를")
    assert client.get(where).json["text"].startswith("오늘은 JDK를 먼저")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"first": 3, "last": 2, "text": "a"}, "correction_words", "first"),
        ({"first": 0, "last": 9, "text": "a"}, "correction_words", "first"),
        ({"first": 0, "last": 0, "text": " 오늘은 "}, "correction_same", "text"),
        ({"first": 0, "last": 0, "text": "a" * 2001}, "too_many", "text"),
        ({"first": 0, "last": 0, "text": "a", "version": 1}, "version_not_found", "version"),
        ({"first": 0, "text": "a"}, "missing_field", "last"),
        ({"first": -1, "last": 0, "text": "a"}, "out_of_range", "first"),
        ({"first": 0, "last": 0, "text": "a", "cue": "0-0"}, "unknown_field", "cue"),
    ],
)
def test_a_proposal_that_cannot_be_is_refused(client, where, body, code, param):
    error = client.post(f"{where}/corrections", json=body).json["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert client.get(f"{where}/corrections").json["data"] == []


def test_a_correction_of_half_a_lecture_is_refused(client, where, monkeypatch):
    monkeypatch.setattr(corrections, "MOST_WORDS", 3)
    assert propose(client, where, 0, 2, "오늘 자바를 배워요").status_code == 201
    refused = propose(client, where, 0, 3, "오늘 자바를 배워요")
    assert (refused.status_code, refused.json["error"]["code"]) == (413, "correction_too_long")


def test_another_tenants_transcript_has_no_corrections_for_us(served, client, where):
    other, _ = served.store.create(
        NewJob("transcription", "transcription", {}, tenant="someone else")
    )
    made = propose(client, where, 0, 0, "오늘").json["id"]
    for answer in (
        propose(client, f"/v1/transcripts/{other.id}", 0, 0, "a"),
        decide(client, f"/v1/transcripts/{other.id}", made),
        client.get(f"/v1/transcripts/{other.id}/versions"),
    ):
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "job_not_found")


def test_a_correction_belongs_to_one_transcript(client, where, monkeypatch):
    form = {"file": (io.BytesIO(b"RIFF...."), "b.wav")}
    second = client.post("/v1/audio/transcriptions", data=form).headers["X-Moksori-Job"]
    made = propose(client, where, 0, 0, "오늘").json["id"]
    answer = decide(client, f"/v1/transcripts/{second}", made)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "correction_not_found")


def test_corrections_are_erased_with_their_job(served, client, where):
    propose(client, where, 0, 0, "오늘")
    job = where.rsplit("/", 1)[1]
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert client.get(f"{where}/corrections").status_code == 410
    with served.store.db.read() as connection:
        assert correction_rows.page(connection, job, None, None, 10) == []


def test_many_editors_at_once_make_one_version_of_a_word(store):
    """On both databases: of ten corrections of one word that are accepted at the same time, one stands."""
    job, _ = store.create(NewJob("transcription", "transcription", {}))
    store.commit(claimed(store, "transcription"), [], {})
    with store.writing() as tx:
        made = [
            correction_rows.propose(
                tx, job.tenant, job=job.id, first=0, last=0, start=0.0, end=1.0, before="가",
                after=f"나{n}", base=0, proposed_by="anyone",
            )
            for n in range(10)
        ]  # fmt: skip
    outcomes = []

    def accept_it(one):
        try:
            with store.writing() as tx:
                outcomes.append(
                    correction_rows.decide(tx, job.id, one.id, "accepted", "me").version
                )
        except Conflict as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=accept_it, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes, key=str) == [1, *["correction_outdated"] * 9]


def test_proposing_and_editing_are_scopes_of_their_own(served, client, where):
    _, viewer = new_key(served, "propose")
    _, editor = new_key(served, "edit")
    body = {"first": 0, "last": 0, "text": "오늘"}
    made = client.post(f"{where}/corrections", json=body, headers=viewer)
    assert (made.status_code, made.json["proposed_by"]) == (201, "for tests")
    decision = f"{where}/corrections/{made.json['id']}"
    refused = client.post(decision, json={"state": "accepted"}, headers=viewer)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "scope_missing")
    decided = client.post(decision, json={"state": "accepted"}, headers=editor)
    assert (decided.status_code, decided.json["decided_by"]) == (200, "for tests")
