"""GET /v1/transcripts/{job_id}, its cues and subtitles, and signed tracks."""

import io
import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from server.transcript_shapes import CuesShape, TranscriptPageShape
from speech.jobs import NewJob
from speech.links import Links
from speech.transcript import Segment, Transcript, Word
from tests import server_fixtures

TEXT = "오늘은 자바를 배웁니다 먼저 설치를 하고 그다음 실행해 보겠습니다"


def lecture():
    words = tuple(
        Word(f" {word}", n * 0.5, n * 0.5 + 0.5, 0.9, sentence=0 if n < 3 else 1)
        for n, word in enumerate(TEXT.split())
    )
    segment = Segment(0, 0.0, words[-1].end, f" {TEXT}", words=words)
    return Transcript(TEXT, "ko", 0.98, 6.0, (segment,), engine={"name": "stub"})


@pytest.fixture
def heard(monkeypatch):
    monkeypatch.setattr(server_fixtures, "HEARD", lecture())


@pytest.fixture
def job_id(heard, client):
    form = {"file": (io.BytesIO(b"RIFF...."), "a.wav")}
    return client.post("/v1/audio/transcriptions", data=form).headers["X-Moksori-Job"]


def path(url):
    return urlsplit(url).path


def test_a_page_gets_sentences_cues_and_words(client, job_id):
    answer = client.get(f"/v1/transcripts/{job_id}")
    TranscriptPageShape.model_validate(answer.json)
    told = answer.json
    assert (told["id"], told["version"], told["text"]) == (job_id, 0, TEXT)
    assert [one["text"] for one in told["sentences"]] == [
        "오늘은 자바를 배웁니다", "먼저 설치를 하고 그다음 실행해 보겠습니다",
    ]  # fmt: skip
    assert (told["sentences"][1]["first"], told["sentences"][1]["last"]) == (3, 8)
    assert [cue["id"] for cue in told["cues"]] == ["0-2", "3-8"]
    assert told["words"][3]["word"] == " 먼저"
    assert told["speakers"] == []


def test_syllables_are_told_to_those_who_ask(client, job_id):
    told = client.get(f"/v1/transcripts/{job_id}?syllables=true").json
    TranscriptPageShape.model_validate(told)
    assert told["words"][0]["syllables"][1] == {
        "text": "늘", "start": 0.167, "end": 0.333, "time_source": "split",
    }  # fmt: skip
    assert "syllables" not in client.get(f"/v1/transcripts/{job_id}").json["words"][0]


def test_a_page_says_what_is_doubtful(client, monkeypatch):
    flagged = replace(lecture().segments[0], flags=("loop",))
    monkeypatch.setattr(server_fixtures, "HEARD", replace(lecture(), segments=(flagged,)))
    form = {"file": (io.BytesIO(b"RIFF...."), "a.wav")}
    made = client.post("/v1/audio/transcriptions", data=form).headers["X-Moksori-Job"]
    told = client.get(f"/v1/transcripts/{made}").json
    assert [one["flags"] for one in told["sentences"]] == [["loop"], ["loop"]]
    assert told["coverage"] is None


def test_speakers_are_told_where_the_engine_told_them_apart(client, monkeypatch):
    segment = replace(lecture().segments[0], speaker="A")
    other = replace(segment, id=1, speaker="B", start=5.0, end=6.0)
    both = replace(lecture(), segments=(segment, other))
    monkeypatch.setattr(server_fixtures, "HEARD", both)
    form = {"file": (io.BytesIO(b"RIFF...."), "a.wav")}
    made = client.post("/v1/audio/transcriptions", data=form).headers["X-Moksori-Job"]
    told = client.get(f"/v1/transcripts/{made}").json
    assert told["speakers"] == ["A", "B"]
    assert told["words"][0]["speaker"] == "A"
    assert told["sentences"][0]["speaker"] == "A"


def test_cues_have_ids_times_and_a_report(client, job_id):
    told = client.get(f"/v1/transcripts/{job_id}/cues.json?max_chars=12&max_cps=7").json
    CuesShape.model_validate(told)
    assert (told["preset"], told["rules"]["max_chars"]) == ("korean", 12)
    assert [(cue["start"], cue["end"], cue["text"]) for cue in told["cues"]] == [
        (0.0, 1.5, "오늘은 자바를 배웁니다"),
        (1.5, 3.0, "먼저 설치를 하고"),
        (3.0, 4.0, "그다음 실행해"),
        (4.0, 4.5, "보겠습니다"),
    ]
    assert [cue["breaks"] for cue in told["cues"]] == [["max_cps"], [], [], ["max_cps"]]
    assert told["report"]["broken"] == {"max_cps": 2}


def test_subtitles_are_cut_anew_without_a_second_job(served, client, job_id):
    def cues(query=""):
        answer = client.get(f"/v1/transcripts/{job_id}/subtitles.srt{query}")
        assert answer.mimetype == "application/x-subrip"
        return answer.text.count("-->")

    assert (cues(), cues("?max_chars=12"), cues("?preset=broadcast&max_chars=5")) == (2, 4, 9)
    assert len(served.claimed) == 1


def test_the_jobs_own_rules_are_the_default(client, heard):
    form = {
        "file": (io.BytesIO(b"RIFF...."), "a.wav"), "response_format": "srt",
        "preset": "broadcast", "cue_rules": json.dumps({"max_chars": 5}),
    }  # fmt: skip
    answer = client.post("/v1/audio/transcriptions", data=form)
    made = answer.headers["X-Moksori-Job"]
    assert answer.text.count("-->") == 9
    assert client.get(f"/v1/transcripts/{made}/subtitles.srt").text == answer.text
    told = client.get(f"/v1/transcripts/{made}/cues.json").json
    assert (told["preset"], len(told["cues"])) == ("broadcast", 9)


def test_a_timestamp_map_ties_vtt_to_hls(client, job_id):
    where = f"/v1/transcripts/{job_id}/subtitles"
    plain = client.get(f"{where}.vtt").text
    assert plain.startswith("WEBVTT\n\n00:00:00.000 --> ")
    mapped = client.get(f"{where}.vtt?mpegts=900000&local=1.5").text
    assert mapped.startswith("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:01.500,MPEGTS:900000\n\n00:")
    refused = client.get(f"{where}.srt?mpegts=900000")
    assert (refused.status_code, refused.json["error"]["code"]) == (400, "vtt_only")


def test_the_same_rules_are_not_sent_twice(client, job_id):
    where = f"/v1/transcripts/{job_id}/subtitles.vtt"
    tag = client.get(where).headers["ETag"]
    assert client.get(where, headers={"If-None-Match": tag}).status_code == 304
    again = client.get(f"{where}?max_chars=12", headers={"If-None-Match": tag})
    assert again.status_code == 200


def test_a_track_needs_no_headers_and_keeps_its_rules(client, job_id):
    told = client.get(f"/v1/transcripts/{job_id}?max_chars=12").json
    tracks = {track["format"]: path(track["url"]) for track in told["tracks"]}
    assert tracks["vtt"].endswith("/subtitles.vtt")
    answer = client.get(tracks["vtt"])
    assert (answer.status_code, answer.mimetype) == (200, "text/vtt")
    assert answer.text == client.get(f"/v1/transcripts/{job_id}/subtitles.vtt?max_chars=12").text
    assert client.head(tracks["srt"]).status_code == 200


def test_a_track_opens_nothing_else_and_nothing_else_opens_a_track(served, client, job_id):
    track = path(client.get(f"/v1/transcripts/{job_id}").json["tracks"][0]["url"])
    file = path(client.get(f"/v1/jobs/{job_id}").json["artifacts"][0]["url"])
    token, name = track.split("/")[2], track.split("/")[3]
    assert client.get(f"/files/{token}/{name}").status_code == 404
    assert (
        client.get(f"/tracks/{file.split('/')[2]}/{name}").json["error"]["code"] == "link_invalid"
    )
    assert client.get(f"/tracks/x{token}/{name}").json["error"]["code"] == "link_invalid"
    old = Links.from_settings(served.settings).track_url("[]", "a.vtt", "text/vtt", -1)
    assert client.get(path(old)).json["error"]["code"] == "link_expired"


def test_only_a_finished_transcription_has_a_transcript(served, client, job_id):
    speech, _ = served.store.create(NewJob("speech", "speech", {"input": "a", "formats": []}))
    other, _ = served.store.create(
        NewJob("transcription", "transcription", {}, tenant="someone else")
    )
    codes = [
        client.get(f"/v1/transcripts/{one}").json["error"]["code"]
        for one in (speech.id, other.id, "none", "a%00b")
    ]
    assert codes == ["no_transcript", "job_not_found", "job_not_found", "job_not_found"]
    assert client.get(f"/v1/transcripts/{job_id}/subtitles.ass").status_code == 404


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("max_chars=0", "out_of_range", "max_chars"),
        ("max_chars=many", "wrong_type", "max_chars"),
        ("preset=cinema", "not_one_of", "preset"),
        ("max_words=3", "unknown_field", "max_words"),
        ("max_chars=20&max_chars=30", "field_twice", "max_chars"),
        ("mpegts=8589934592", "out_of_range", "mpegts"),
    ],
)
def test_rules_out_of_range_are_refused(client, job_id, query, code, param):
    answer = client.get(f"/v1/transcripts/{job_id}/subtitles.vtt?{query}")
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"preset": "broadcast"}, "needs_subtitles", "preset"),
        ({"preset": "cinema", "response_format": "srt"}, "not_one_of", "preset"),
        ({"cue_rules": "{", "response_format": "srt"}, "broken_json", "cue_rules"),
        ({"cue_rules": "3", "response_format": "srt"}, "wrong_type", "cue_rules"),
        (
            {"cue_rules": '{"max_chars": 0}', "response_format": "vtt"},
            "out_of_range",
            "cue_rules.max_chars",
        ),
        ({"cue_rules": '{"wide": 1}', "response_format": "vtt"}, "unknown_field", "cue_rules.wide"),
    ],
)
def test_a_request_with_wrong_rules_is_refused_at_once(served, client, fields, code, param):
    form = {"file": (io.BytesIO(b"RIFF...."), "a.wav")} | fields
    error = client.post("/v1/audio/transcriptions", data=form).json["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert not served.claimed


def test_a_job_takes_rules_for_its_subtitle_files(served, client):
    asked = {"kind": "transcription", "input": "https://example.com/a.mp3", "formats": ["srt"]}
    rules = {"preset": "broadcast", "cue_rules": {"max_lines": 1, "pause": 1}}
    answer = client.post("/v1/jobs", json=asked | rules)
    assert answer.status_code == 202
    assert {name: answer.json["request"][name] for name in rules} == rules
    refused = client.post("/v1/jobs", json=asked | rules | {"formats": ["txt"]})
    assert refused.json["error"]["code"] == "needs_subtitles"
    refused = client.post("/v1/jobs", json=asked | {"cue_rules": {"max_lines": "1"}})
    assert refused.json["error"]["param"] == "cue_rules.max_lines"


def test_names_reach_the_worker_from_a_form_and_from_json(served, client):
    names = [{"written": "Z-Remesh", "spoken": ["지 리메시"]}, {"written": "인프런"}]
    form = {"file": (io.BytesIO(b"RIFF...."), "a.wav"), "names": json.dumps(names)}
    assert client.post("/v1/audio/transcriptions", data=form).status_code == 200
    assert served.claimed[-1].request["names"] == [names[0], names[1] | {"spoken": []}]
    asked = {"kind": "transcription", "input": "https://example.com/a.mp3", "names": names}
    assert client.post("/v1/jobs", json=asked).json["request"]["names"][0] == names[0]
    refused = client.post("/v1/jobs", json=asked | {"names": [{"written": ""}]})
    assert refused.json["error"]["param"] == "names.0.written"
    refused = client.post("/v1/jobs", json=asked | {"names": names * 251})
    assert (refused.status_code, refused.json["error"]["code"]) == (413, "too_many")
