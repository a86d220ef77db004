"""Limits of a key over HTTP: 429 with the time to wait, and headers on every answer."""

from io import BytesIO

import pytest

from tests.key_fixtures import bearer, new_key
from tests.server_fixtures import serve, working

NOW = 20_000 * 86_400 + 15.5  # a quarter into the first minute of a UTC day


@pytest.fixture
def idle(new_database, tmp_path, monkeypatch):
    """An app whose jobs stay queued and whose clock stands still."""
    made = serve(new_database("sqlite"), tmp_path, key_queued_jobs=2)
    monkeypatch.setattr(made.store.db, "now", lambda _connection: NOW)
    yield made
    made.store.db.close()


@pytest.fixture
def client(idle):
    return idle.app.test_client()


def job(client, headers):
    asked = {"kind": "speech", "input": "안녕", "voice": 1}
    return client.post("/v1/jobs", json=asked, headers=headers)


def limits(answer):
    return answer.headers.get("RateLimit-Policy"), answer.headers.get("RateLimit")


def test_over_the_requests_of_a_minute_every_route_answers_429(idle, client):
    _, key = new_key(idle, "read", "speak", requests_per_minute=3, queued_jobs=0)
    policy = '"requests";q=3;w=60'
    good = [client.get("/v1/jobs", headers=key), client.get("/v1/nothing", headers=key)]
    good += [client.get("/v1/keys", headers=key), client.get("/v1/jobs/none", headers=key)]
    assert [answer.status_code for answer in good] == [200, 404, 403, 404]
    assert limits(good[0]) == (policy, '"requests";r=2;t=45')
    assert limits(good[1]) == (None, None)  # no such route: nobody was asked who calls
    assert [limits(answer) for answer in good[2:]] == [
        (policy, '"requests";r=1;t=45'),
        (policy, '"requests";r=0;t=45'),
    ]
    over = job(client, key)
    assert (over.status_code, over.json["error"]["code"]) == (429, "rate_limited")
    assert over.headers["Retry-After"] == "45"
    assert limits(over) == (policy, '"requests";r=0;t=45')
    assert client.get("/health", headers=key).status_code == 200


def test_a_token_counts_against_its_key(idle, client):
    _, key = new_key(idle, "read", requests_per_minute=2)
    made = client.post("/v1/tokens", json={"scopes": ["read"]}, headers=key).json["token"]
    assert client.get("/v1/jobs", headers=bearer(made)).status_code == 200
    assert client.get("/v1/jobs", headers=bearer(made)).status_code == 429
    assert client.get("/v1/jobs", headers=key).status_code == 429


def test_over_the_queued_jobs_a_new_one_is_429_and_nothing_was_accepted(idle, client):
    _, key = new_key(idle, "speak", "read")
    first, second, third = (job(client, key) for _ in range(3))
    assert [one.status_code for one in (first, second, third)] == [202, 202, 429]
    assert limits(first) == ('"jobs";q=2', '"jobs";r=1')
    assert limits(third) == ('"jobs";q=2', '"jobs";r=0')
    assert third.json["error"]["code"] == "too_many_jobs"
    assert third.headers["Retry-After"] == "5"
    assert len(client.get("/v1/jobs", headers=key).json["data"]) == 2
    client.delete(f"/v1/jobs/{first.json['id']}", headers=key)
    assert job(client, key).status_code == 202


def test_a_batch_needs_room_for_all_its_items(idle, client):
    _, key = new_key(idle, "transcribe")
    urls = [f"https://example.com/{n}.mp3" for n in range(3)]
    over = client.post("/transcribe/batch", json={"urls": urls}, headers=key)
    assert (over.status_code, over.json["error"]["code"]) == (429, "too_many_jobs")
    assert client.post("/transcribe/batch", json={"urls": urls[:2]}, headers=key).status_code == 200


def test_a_refused_upload_leaves_no_file(idle, client):
    _, key = new_key(idle, "transcribe", queued_jobs=1)

    def send():
        form = {"kind": "transcription", "file": (BytesIO(b"x"), "a.wav")}
        status = client.post("/v1/jobs", data=form, headers=key).status_code
        return status, {path for path in idle.storage.root.rglob("*") if path.is_file()}

    (accepted, kept), (refused, still) = send(), send()
    assert (accepted, refused) == (202, 429)
    assert kept == still != set()


def test_a_repeat_finds_its_job_whatever_the_limit(idle, client):
    _, key = new_key(idle, "speak", queued_jobs=1)
    again = {**key, "Idempotency-Key": "k1"}
    first, second = job(client, again), job(client, again)
    assert (first.status_code, first.json["id"]) == (second.status_code, second.json["id"])


def test_after_the_audio_of_a_day_new_work_is_429_until_midnight(new_database, tmp_path):
    with working(serve(new_database("sqlite"), tmp_path)) as made:
        client = made.app.test_client()
        _, key = new_key(made, "speak", "read", audio_seconds_per_day=4)
        asked = {"input": "안녕", "voice": 1}
        answers = [client.post("/v1/audio/speech", json=asked, headers=key) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]  # 3.5 s each
        assert answers[2].json["error"]["code"] == "audio_used_up"
        assert 0 < int(answers[2].headers["Retry-After"]) <= 86_400
        policy, left = limits(client.get("/v1/jobs", headers=key))
        assert policy == '"audio";q=4;w=86400' and left.startswith('"audio";r=0;t=')
    made.store.db.close()


def test_a_key_without_limits_and_a_caller_without_a_key_see_no_headers(idle, client):
    assert limits(client.get("/v1/jobs")) == (None, None)
    _, key = new_key(idle, queued_jobs=0)
    assert limits(client.get("/v1/jobs", headers=key)) == (None, None)


def test_all_limits_stand_in_one_header(idle, client):
    _, key = new_key(idle, requests_per_minute=60, audio_seconds_per_day=3600)
    assert limits(client.get("/v1/jobs", headers=key)) == (
        '"requests";q=60;w=60, "jobs";q=2, "audio";q=3600;w=86400',
        '"requests";r=59;t=45, "jobs";r=2, "audio";r=3600;t=86385',
    )
