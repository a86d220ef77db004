"""The four /transcribe routes."""

import io

import pytest

from server.shapes import BatchStartedShape, BatchStatusShape, HeardShape
from speech.errors import InvalidRequest
from tests.server_fixtures import HEARD, serve
from tests.services import until

URLS = [f"https://example.com/{name}.mp3" for name in "abc"]


def status(client, task_id):
    return client.get(f"/transcribe/{task_id}/status").json


def test_a_batch_answers_an_id_and_then_a_row_for_each_url_in_order(served, client):
    def refuse(job):
        if job.input["url"] == URLS[1]:
            raise InvalidRequest("url_status", param="url", status=404)

    served.before = refuse
    started = client.post("/transcribe/batch", json={"urls": URLS, "language": "ko"})
    assert started.status_code == 200
    BatchStartedShape.model_validate(started.json)
    task_id = started.json["task_id"]
    until(lambda: status(client, task_id)["status"] != "running", 10, "the batch has ended")
    told = status(client, task_id)
    BatchStatusShape.model_validate(told)
    assert told["status"] == "succeeded"
    assert [row["url"] for row in told["results"]] == URLS
    assert [row["status"] for row in told["results"]] == ["succeeded", "failed", "succeeded"]
    assert told["results"][0]["text"] == HEARD.text
    assert "404" in told["results"][1]["error"] and "text" not in told["results"][1]
    assert served.claimed[0].request["language"] == "ko"
    assert {job.priority for job in served.claimed} == {"batch"}


def test_the_same_url_twice_has_two_rows(client):
    task_id = client.post("/transcribe/batch", json={"urls": [URLS[0]] * 2}).json["task_id"]
    assert [row["url"] for row in status(client, task_id)["results"]] == [URLS[0]] * 2


def test_a_malformed_url_fails_its_row_and_not_the_batch(client):
    answer = client.post("/transcribe/batch", json={"urls": [URLS[0], "not a url"]})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "status_code", "code", "param"),
    [
        ({"urls": []}, 400, "too_few", "urls"),
        ({"urls": "https://example.com"}, 400, "wrong_type", "urls"),
        ({"urls": [1]}, 400, "wrong_type", "urls.0"),
        ({"urls": [""]}, 400, "too_few", "urls.0"),
        ({"urls": URLS * 167}, 413, "too_many", "urls"),
        ({"urls": URLS, "language": "klingon"}, 400, "unknown_language", "language"),
        ({}, 400, "missing_field", "urls"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(client, body, status_code, code, param):
    answer = client.post("/transcribe/batch", json=body)
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status_code, code, param)


def test_five_hundred_urls_are_one_batch(new_database, tmp_path):
    served = serve(new_database("sqlite"), tmp_path)
    client = served.app.test_client()
    task_id = client.post("/transcribe/batch", json={"urls": URLS[:1] * 500}).json["task_id"]
    assert len(status(client, task_id)["results"]) == 500
    served.store.db.close()


def test_one_url_is_waited_for(served, client):
    answer = client.post("/transcribe/realtime", json={"url": URLS[0]})
    HeardShape.model_validate(answer.json)
    assert answer.json == {"text": HEARD.text, "language": "ko"}
    assert served.claimed[0].input == {"url": URLS[0]}
    assert served.claimed[0].request["language"] is None
    assert client.post("/transcribe/realtime", json={"url": "x"}).json["error"]["code"] == "bad_url"


def test_an_upload_is_waited_for_and_an_empty_language_means_detect(served, client):
    form = {"file": (io.BytesIO(b"RIFF"), "a.wav"), "language": ""}
    answer = client.post("/transcribe/upload", data=form)
    assert answer.json == {"text": HEARD.text, "language": "ko"}
    assert served.claimed[0].request["language"] is None


def test_an_upload_without_a_file_is_refused(client):
    error = client.post("/transcribe/upload", data={"language": "ko"}).json["error"]
    assert (error["code"], error["param"]) == ("missing_field", "file")
    assert client.post("/transcribe/upload", json={}).json["error"]["code"] == "not_a_form"


def test_a_speech_job_is_no_batch(client):
    job = client.post("/v1/jobs", json={"kind": "speech", "input": "a", "voice": 1}).json["id"]
    for task_id in (job, "nothing", "%00"):
        answer = client.get(f"/transcribe/{task_id}/status")
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "job_not_found")
