"""POST /api/texts as the React team calls it."""

import uuid

import pytest

from speech.errors import BadMedia, InvalidRequest, StorageUnavailable

UUID = "123e4567-e89b-42d3-a456-426614174000"
NAME = f"wav_files/1/{UUID}_2024-02-29_voice.wav"


def body(**changes):
    return {
        "uuid": UUID,
        "member_id": 1,
        "text": "안녕하세요",
        "created_at": "2024-02-29",
    } | changes


def test_the_ids_come_back_byte_for_byte_with_a_url_that_contains_the_objects_name(served, client):
    sent = body(uuid=UUID.upper(), member_id="1")
    answer = client.post("/api/texts", json=sent)
    assert answer.status_code == 200
    told = answer.json
    assert {name: told[name] for name in ("uuid", "member_id", "created_at")} == {
        name: sent[name] for name in ("uuid", "member_id", "created_at")
    }
    assert told["url"].startswith("http://127.0.0.1:8000/") and NAME in told["url"]
    assert served.storage.stat(NAME).size > 0
    path = told["url"].removeprefix("http://127.0.0.1:8000")
    assert client.get(path).data == "wav:1:1.0:안녕하세요".encode()


def test_a_repeat_finds_the_same_job_whether_the_member_is_a_number_or_a_string(client):
    first = client.post("/api/texts", json=body())
    again = client.post("/api/texts", json=body(member_id="1", uuid=UUID.upper()))
    assert again.status_code == 200
    assert again.json["job_id"] == first.json["job_id"]


def test_the_same_uuid_with_another_text_is_a_conflict(client):
    client.post("/api/texts", json=body())
    answer = client.post("/api/texts", json=body(text="다른 글"))
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "uuid_taken")


@pytest.mark.parametrize("member", [0, 6, -1, "1e3", True, "../1", 1.0, None, [1], {"id": 1}, "01"])
def test_a_member_that_is_not_there_is_an_error_that_lists_the_members(served, client, member):
    answer = client.post("/api/texts", json=body(member_id=member))
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400,
        "unknown_voice",
        "member_id",
    )
    assert "1 가온 (gaon), 2" in error["message"]
    assert not served.claimed


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"uuid": "../../etc/passwd"}, "bad_uuid", "uuid"),
        ({"uuid": UUID.replace("-", "")}, "bad_uuid", "uuid"),
        ({"uuid": f"{{{UUID}}}"}, "bad_uuid", "uuid"),
        ({"uuid": f"{UUID}\n"}, "bad_uuid", "uuid"),
        ({"uuid": 7}, "wrong_type", "uuid"),
        ({"created_at": "2024-02-30"}, "bad_date", "created_at"),
        ({"created_at": "20240229"}, "bad_date", "created_at"),
        ({"created_at": "2024-02-29T00:00:00Z"}, "bad_date", "created_at"),
        ({"created_at": "2024-W09-4"}, "bad_date", "created_at"),
        ({"created_at": "２０２４-02-29"}, "bad_date", "created_at"),
        ({"text": ""}, "empty_text", "text"),
        ({"text": " \n\u200b"}, "empty_text", "text"),
        ({"text": None}, "wrong_type", "text"),
        ({"voice": "gaon"}, "unknown_field", "voice"),
    ],
)
def test_a_malformed_field_is_named(served, client, changes, code, param):
    answer = client.post("/api/texts", json=body(**changes))
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert not served.claimed


@pytest.mark.parametrize("name", ["uuid", "member_id", "text", "created_at"])
def test_a_missing_field_is_named(client, name):
    sent = body()
    del sent[name]
    answer = client.post("/api/texts", json=sent)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "missing_field")
    assert answer.json["error"]["param"] == name


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (BadMedia("media_empty"), 400),
        (InvalidRequest("nothing_to_speak", param="input"), 400),
        (StorageUnavailable("storage_outage", hours=24), 503),
        (RuntimeError, 500),
    ],
)
def test_a_failed_job_is_an_error_and_never_a_200(served, client, failure, status):
    def fail(job):
        if isinstance(failure, Exception):
            raise failure
        from speech.errors import Internal

        raise Internal("voice_broken", voice="gaon", reason="damaged")

    served.before = fail
    answer = client.post("/api/texts", json=body())
    assert answer.status_code == status
    assert answer.json["error"]["code"]
    assert "url" not in answer.json


def test_a_text_without_a_sound_is_named_as_this_route_calls_it(served, client):
    def fail(job):
        raise InvalidRequest("nothing_to_speak", param="input")

    served.before = fail
    error = client.post("/api/texts", json=body()).json["error"]
    assert error["param"] == "text"


def test_after_a_failure_the_same_uuid_makes_a_new_job_and_then_keeps_it(served, client):
    def fail(job):
        raise BadMedia("media_empty")

    served.before = fail
    first = client.post("/api/texts", json=body())
    served.before = lambda job: None
    second = client.post("/api/texts", json=body())
    third = client.post("/api/texts", json=body())
    assert (first.status_code, second.status_code) == (400, 200)
    assert second.json["job_id"] == third.json["job_id"] != first.headers["X-Moksori-Job"]


def test_an_idempotency_key_agrees_with_the_uuid_or_is_refused(client):
    key = {"Idempotency-Key": "k1"}
    first = client.post("/api/texts", json=body(), headers=key)
    again = client.post("/api/texts", json=body(), headers=key)
    other = client.post("/api/texts", json=body(uuid=str(uuid.uuid4())), headers=key)
    assert first.json["job_id"] == again.json["job_id"]
    assert (other.status_code, other.json["error"]["code"]) == (422, "idempotency_mismatch")


def test_respond_async_answers_the_job_and_its_promised_output(client):
    answer = client.post("/api/texts", json=body(), headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.json["outputs"] == [NAME]
