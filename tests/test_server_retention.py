"""What a caller sees of retention: 410 for what is gone, and jobs that say so."""

import io
import uuid

import pytest

from server.shapes import JobShape
from speech.purge import LOOK_AGAIN, Purge
from speech.retention import DAY
from tests.aged import age
from tests.key_fixtures import new_key
from tests.services import until

START = "http://127.0.0.1:8000"


@pytest.fixture
def later(served):
    """Lets days pass, and purges."""

    def pass_days(days):
        age(served.store, days)
        Purge(served.store, served.storage, served.settings, "test").run()

    return pass_days


def final(client, job_id):
    until(lambda: client.get(f"/v1/jobs/{job_id}").json["finished_at"], 10, "the job has ended")
    return client.get(f"/v1/jobs/{job_id}").json


def spoken(client, **fields):
    asked = {"kind": "speech", "input": "안녕", "voice": 1} | fields
    return final(client, client.post("/v1/jobs", json=asked).json["id"])


def code(answer):
    return answer.status_code, answer.json["error"]["code"]


def test_a_finished_job_says_when_it_expires_and_a_live_one_does_not(served, client):
    job = spoken(client)
    assert job["expires_at"] > job["finished_at"]
    listed = client.get("/v1/jobs").json["data"][0]
    assert listed["expires_at"] == job["expires_at"]


def test_a_job_without_its_files_says_so_in_the_readers_language(client, later):
    job = spoken(client)
    later(31)
    now = client.get(f"/v1/jobs/{job['id']}", headers={"Accept-Language": "ko"}).json
    JobShape.model_validate(now)
    assert now["artifacts"] == []
    assert now["warnings"][0]["code"] == "files_expired"
    assert now["warnings"][0]["message"].startswith("이 작업의 파일은 30일")


@pytest.mark.parametrize("days", [31, 91])
def test_an_old_link_to_a_file_that_went_is_gone_and_not_unknown(client, later, days):
    url = spoken(client)["artifacts"][0]["url"].removeprefix(START)
    assert client.get(url).status_code == 200
    later(days)
    assert code(client.get(url)) == (410, "file_gone")
    assert client.head(url).status_code == 410


@pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/events")]
)
def test_an_id_that_expired_is_gone_on_every_route(client, later, method, rest):
    job = spoken(client)
    later(91)
    answer = client.open(f"/v1/jobs/{job['id']}{rest}", method=method)
    assert code(answer) == (410, "gone")
    assert job["id"] in answer.json["error"]["message"]


@pytest.mark.parametrize("rest", ["", "/retry", "/events"])
def test_to_another_tenant_an_id_that_expired_is_one_that_never_was(served, client, later, rest):
    job = spoken(client)
    later(91)
    _, theirs = new_key(served, tenant="somebody")
    never, method = str(uuid.uuid4()), "POST" if rest == "/retry" else "GET"
    expired, unknown = (
        client.open(f"/v1/jobs/{one}{rest}", method=method, headers=theirs)
        for one in (job["id"], never)
    )
    assert code(expired) == (404, "job_not_found")
    assert expired.text.replace(job["id"], never) == unknown.text


def test_the_status_of_a_batch_that_expired_is_gone(client, later):
    urls = {"urls": ["https://example.com/1.mp3"]}
    task = client.post("/transcribe/batch", json=urls).json["task_id"]
    final(client, task)
    later(91)
    assert code(client.get(f"/transcribe/{task}/status")) == (410, "gone")
    assert client.get(f"/v1/jobs?parent={task}").json["data"] == []


def test_a_recording_that_expired_cannot_be_heard_again(client, later):
    form = {"kind": "transcription", "file": (io.BytesIO(b"x"), "a.wav")}
    job = final(client, client.post("/v1/jobs", data=form).json["id"])
    later(8)
    assert code(client.post(f"/v1/jobs/{job['id']}/retry")) == (410, "input_expired")


def test_the_same_answer_from_files_that_expired_is_gone(client, later):
    asked = {"model": "tts-1", "voice": "1", "input": "안녕", "response_format": "wav"}
    key = {"Idempotency-Key": "once"}
    assert client.post("/v1/audio/speech", json=asked, headers=key).status_code == 200
    later(31)
    again = client.post("/v1/audio/speech", json=asked, headers=key)
    assert code(again) == (410, "file_gone")


def test_a_texts_wav_and_its_job_outlive_everything_else(served, client, later):
    body = {"uuid": str(uuid.uuid4()), "member_id": 2, "text": "안녕", "created_at": "2024-01-01"}
    first = client.post("/api/texts", json=body).json
    assert client.get(f"/v1/jobs/{first['job_id']}").json["expires_at"] is None
    later(1000)
    again = client.post("/api/texts", json=body).json
    assert again["job_id"] == first["job_id"]
    assert client.get(again["url"].removeprefix(START)).status_code == 200

    served.storage.delete(f"wav_files/2/{body['uuid']}_2024-01-01_voice.wav")
    later(LOOK_AGAIN / DAY + 1)
    assert code(client.get(f"/v1/jobs/{first['job_id']}")) == (410, "gone")
    anew = client.post("/api/texts", json=body).json
    assert anew["job_id"] != first["job_id"]
    assert client.get(anew["url"].removeprefix(START)).status_code == 200
