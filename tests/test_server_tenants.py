"""Two tenants: what is another's is answered exactly as what never was, on every route that takes an id."""

import re
from io import BytesIO
from urllib.parse import urlsplit

import pytest

from tests.key_fixtures import new_key
from tests.server_fixtures import serve, working

UNKNOWN = "00000000-0000-4000-8000-000000000000"
TEXT = {
    "uuid": "123e4567-e89b-42d3-a456-426614174000", "member_id": 1, "text": "안녕",
    "created_at": "2024-02-29",
}  # fmt: skip
# What names something of a tenant's in a route.
IDS = ("job_id", "task_id", "key_id", "upload_id", "correction_id", "entry_id")
OTHERS = {"name": "srt"}  # further names in such a route
CORRECTION = {"first": 0, "last": 0, "text": "여보세요."}
ENTRY = {"written": "GPT-4", "spoken": "지피티 사"}
BODIES = {  # by route, where one reads a body before it looks for the id
    "/v1/transcripts/<job_id>/corrections": CORRECTION,
    "/v1/transcripts/<job_id>/corrections/<correction_id>": {"state": "accepted"},
    "/v1/lexicon/<entry_id>": ENTRY,
}


@pytest.fixture
def two(new_database, tmp_path):
    """(client, one's header, the other's header, what is the other's: by the name that a route has for its id)."""
    with working(serve(new_database("sqlite"), tmp_path)) as made:
        client = made.app.test_client()
        _, mine = new_key(made, tenant="acme")
        key, theirs = new_key(made, tenant="other")
        urls = {"urls": ["https://example.com/1.mp3", "https://example.com/2.mp3"]}
        batch = client.post("/transcribe/batch", json=urls, headers=theirs).json["task_id"]
        form = {"model": "whisper-1", "file": (BytesIO(b"RIFF"), "a.wav")}
        heard = client.post("/v1/audio/transcriptions", data=form, headers=theirs)
        job = heard.headers["X-Moksori-Job"]
        upload = client.post("/v1/uploads", json={"bytes": 1}, headers=theirs).json["id"]
        path = f"/v1/transcripts/{job}/corrections"
        correction = client.post(path, json=CORRECTION, headers=theirs).json["id"]
        entry = client.post("/v1/lexicon", json=ENTRY, headers=theirs).json["id"]
        ids = (job, batch, key.id, upload, correction, entry)
        yield client, mine, theirs, dict(zip(IDS, ids, strict=True))
    made.store.db.close()


def ask(client, rule, method, headers, named):
    """Status, headers and body of an answer, without the ids and what differs between any two requests."""
    path = rule
    for name, text in (OTHERS | named).items():
        path = path.replace(f"<{name}>", text)
    answer = client.open(path, method=method, headers=headers, json=BODIES.get(rule))
    headers = {name: text for name, text in answer.headers if name not in {"X-Request-Id", "Date"}}
    text = answer.text
    for one in named.values():
        text = text.replace(one, "ID")
    return answer.status_code, headers, text


def test_anothers_id_is_answered_as_one_that_never_was_on_every_route(two):
    client, mine, theirs, ids = two
    walked = set()
    for rule in client.application.url_map.iter_rules():
        names = set(IDS) & set(re.findall(r"<(\w+)>", rule.rule))
        walked |= names
        for method in sorted(rule.methods - {"OPTIONS"} if names else ()):
            answers = [
                ask(client, rule.rule, method, mine, {name: whose[name] for name in names})
                for whose in (ids, dict.fromkeys(IDS, UNKNOWN))
            ]
            assert answers[0] == answers[1], (method, rule.rule)
            assert answers[0][0] == 404, (method, rule.rule)
    assert walked == set(IDS)
    job = client.get(f"/v1/jobs/{ids['job_id']}", headers=theirs).json
    assert job["state"] == "succeeded" and len(job["artifacts"]) == 1


def test_the_walk_knows_what_every_name_in_a_route_is(two):
    client, *_ = two
    names = {
        name
        for rule in client.application.url_map.iter_rules()
        for name in re.findall(r"<(?:\w+:)?(\w+)>", rule.rule)
    }
    assert names - set(IDS) == {
        "name",
        "token",
        "member",
    }  # of models and formats; of signed links; of a voice


def test_lists_hold_ones_own_jobs_only_and_anothers_parent_has_no_children(two):
    client, mine, theirs, ids = two
    assert client.get("/v1/jobs", headers=mine).json["data"] == []
    assert len(client.get("/v1/jobs", headers=theirs).json["data"]) == 4
    pages = [
        client.get(f"/v1/jobs?parent={one}", headers=mine).text for one in (ids["task_id"], UNKNOWN)
    ]
    assert pages[0] == pages[1]
    assert len(client.get(f"/v1/jobs?parent={ids['task_id']}", headers=theirs).json["data"]) == 2


def test_the_same_idempotency_key_is_anothers_own(two):
    client, mine, theirs, _ = two
    body = {"kind": "speech", "input": "안녕", "voice": 1}
    again = {"Idempotency-Key": "k1"}
    made = [
        client.post("/v1/jobs", json=body, headers={**who, **again}).json["id"]
        for who in (mine, theirs, mine, theirs)
    ]
    assert made[:2] == made[2:] and made[0] != made[1]
    other = client.post("/v1/jobs", json=body | {"input": "다른"}, headers={**mine, **again})
    assert other.status_code == 422


def test_the_same_uuid_is_anothers_own_and_so_is_the_file(two):
    client, mine, theirs, _ = two
    answers = [
        client.post("/api/texts", json=TEXT | {"text": text}, headers=who)
        for who, text in ((mine, "하나"), (theirs, "둘"))
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    names = [re.search(r"t/\w+/wav_files/1/.*\.wav", one.json["url"]).group() for one in answers]
    assert [name.split("/")[1] for name in names] == ["acme", "other"]
    sounds = [client.get(urlsplit(one.json["url"]).path).data.decode() for one in answers]
    assert [sound[-2:].strip(":") for sound in sounds] == ["하나", "둘"]


def test_the_default_tenant_alone_owns_wav_files(two):
    client, *_ = two
    served = client.application.extensions["moksori"]
    _, default = new_key(served)
    answer = client.post("/api/texts", json=TEXT, headers=default)
    assert "/wav_files/1/" in answer.json["url"] and "/t/" not in answer.json["url"]
    name = f"wav_files/1/{TEXT['uuid']}_2024-02-29_voice.wav"
    assert served.storage.stat(name) is not None


def test_files_of_a_tenant_stand_under_its_name(two):
    client, mine, _, _ = two
    made = client.post(
        "/v1/audio/speech", json={"input": "안녕", "voice": 1}, headers=mine
    ).headers["X-Moksori-Job"]
    storage = client.application.extensions["moksori"].storage
    assert storage.stat(f"t/acme/jobs/{made}/1/speech.mp3") is not None


def test_a_retry_counts_against_the_key_that_asked_for_it(two):
    client, mine, _, _ = two
    service = client.application.extensions["moksori"]
    another, header = new_key(service, tenant="acme")
    asked = {"input": "안녕", "voice": 1}
    first = client.post("/v1/audio/speech", json=asked, headers=mine).headers["X-Moksori-Job"]
    again = client.post(f"/v1/jobs/{first}/retry", headers=header).json["id"]
    keys = [service.store.get(job, "acme").api_key for job in (first, again)]
    assert keys[0] != keys[1] == another.id


@pytest.mark.parametrize("whose", ["mine", "theirs"])
def test_a_link_to_events_opens_one_jobs_events_and_ends(two, whose, monkeypatch):
    client, mine, theirs, ids = two
    url = client.get(f"/v1/jobs/{ids['job_id']}", headers=theirs).json["events_url"]
    path = urlsplit(url).path
    with client.get(path, headers=mine if whose == "mine" else {}) as answer:
        assert answer.mimetype == "text/event-stream"
        assert f'"id": "{ids["job_id"]}"' in answer.text
    assert client.get(path[:-3]).json["error"]["code"] == "link_invalid"
    token = path.split("/")[2]
    assert client.get(f"/files/{token}/x").json["error"]["code"] == "link_invalid"
    links = client.application.extensions["moksori"].links
    later = links._now() + 4000
    monkeypatch.setattr(links, "_now", lambda: later)
    assert client.get(path).json["error"]["code"] == "link_expired"
