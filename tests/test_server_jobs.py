"""The job resource over HTTP."""

import io
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.shapes import JobListShape, JobShape
from speech.errors import BadMedia
from tests.server_fixtures import serve
from tests.services import until


@pytest.fixture
def idle(new_database, tmp_path):
    """An app whose jobs stay queued."""
    made = serve(new_database("sqlite"), tmp_path)
    yield made
    made.store.db.close()


def make(client, headers=None, **fields):
    asked = {"kind": "speech", "input": "안녕", "voice": 1} | fields
    return client.post("/v1/jobs", json=asked, headers=headers)


def final(client, job_id):
    until(lambda: client.get(f"/v1/jobs/{job_id}").json["finished_at"], 10, "the job has ended")
    return client.get(f"/v1/jobs/{job_id}").json


def files(served):
    return [path for path in served.storage.root.rglob("*") if path.is_file()]


def test_a_job_is_accepted_shown_and_has_the_documented_shape(idle):
    client = idle.app.test_client()
    answer = make(client)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json['id']}"
    shown = client.get(answer.headers["Location"])
    assert shown.json == answer.json
    JobShape.model_validate(shown.json)
    assert shown.json["queue"] == {"position": 1, "ready_between": None}
    assert shown.json["request"]["voice"] == 1


def test_a_finished_job_has_its_artifacts_by_url(client):
    job = final(client, make(client, formats=["wav", "srt", "json"]).json["id"])
    JobShape.model_validate(job)
    names = [artifact["name"] for artifact in job["artifacts"]]
    assert names == ["speech.wav", "speech.srt", "speech.json"]
    url = job["artifacts"][0]["url"].removeprefix("http://127.0.0.1:8000")
    assert client.get(url).data == "wav:1:1.0:안녕".encode()
    assert job["artifacts"][0]["url_expires_at"] > job["finished_at"]
    assert job["queue"] is None


def test_a_failed_job_tells_why_in_the_readers_language(served, client):
    def refuse(job):
        raise BadMedia("media_empty", param="file")

    served.before = refuse
    job_id = make(client).json["id"]
    assert final(client, job_id)["error"]["message"].startswith("The file is empty")
    korean = client.get(
        f"/v1/jobs/{job_id}", headers={"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"}
    )
    assert korean.json["error"]["message"].startswith("파일이 비어")


def test_a_transcription_job_takes_a_url_or_a_file(served, client):
    url = "https://example.com/a.mp3"
    by_url = make_transcription(client, input=url, formats=["srt", "vtt"])
    form = {"kind": "transcription", "formats": ["srt", "txt"], "file": (io.BytesIO(b"x"), "a.wav")}
    by_file = client.post("/v1/jobs", data=form)
    assert (by_url.status_code, by_file.status_code) == (202, 202)
    assert by_url.json["request"]["formats"] == ["srt", "vtt"]
    assert by_url.json["request"]["input"] == url
    assert by_file.json["request"]["formats"] == ["srt", "txt"]
    final(client, by_file.json["id"])
    assert {job.input.get("url") for job in served.claimed} == {url, None}


def make_transcription(client, **fields):
    return client.post("/v1/jobs", json={"kind": "transcription"} | fields)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"kind": None}, "missing_field", "kind"),
        ({"kind": "song"}, "not_one_of", "kind"),
        ({"kind": ["speech"]}, "not_one_of", "kind"),
        ({"formats": []}, "too_few", "formats"),
        ({"formats": ["wma"]}, "not_one_of", "formats.0"),
        ({"formats": "wav"}, "wrong_type", "formats"),
        ({"priority": "high"}, "not_one_of", "priority"),
        ({"ttl": 0}, "out_of_range", "ttl"),
        ({"ttl": 1e9}, "out_of_range", "ttl"),
        ({"overwrite": 1}, "wrong_type", "overwrite"),
        ({"webhook": "https://example.com"}, "field_not_supported", "webhook"),
        ({"output": "gs://bucket/there"}, "no_bucket", "output"),
        ({"kind": "transcription", "input": "gs://b/a.wav"}, "unknown_field", "voice"),
        ({"voice": "x"}, "unknown_voice", "voice"),
    ],
)
def test_what_a_job_cannot_be_is_refused_with_the_field(client, fields, code, param):
    answer = make(client, **fields)
    error = answer.json["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert answer.status_code == 400


def test_jobs_are_listed_newest_first_a_page_at_a_time(idle):
    client = idle.app.test_client()
    made = [make(client).json["id"] for _ in range(5)]
    seen, after = [], None
    for _ in range(3):
        answer = client.get(
            "/v1/jobs", query_string={"limit": 2} | ({"after": after} if after else {})
        )
        JobListShape.model_validate(answer.json)
        seen += [job["id"] for job in answer.json["data"]]
        after = answer.json["next"]
    assert seen == made[::-1]
    assert (answer.json["has_more"], after) == (False, None)
    assert answer.json["data"][0]["queue"] == {"position": None, "ready_between": None}


def test_a_list_is_narrowed_by_state_and_kind(idle):
    client = idle.app.test_client()
    cancelled = make(client).json["id"]
    make(client)
    client.delete(f"/v1/jobs/{cancelled}")
    found = client.get("/v1/jobs?state=cancelled,failed&kind=speech").json["data"]
    assert [job["id"] for job in found] == [cancelled]
    assert client.get("/v1/jobs?kind=translation").json["data"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "out_of_range"),
        ("limit=101", "out_of_range"),
        ("limit=x", "wrong_type"),
        ("state=done", "not_one_of"),
        ("after=nonsense", "bad_cursor"),
        ("after=%00", "bad_text"),
        ("order=asc", "unknown_field"),
        ("limit=1&limit=2", "field_twice"),
    ],
)
def test_a_query_that_means_nothing_is_refused(client, query, code):
    answer = client.get(f"/v1/jobs?{query}")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    "job_id", ["123e4567-e89b-42d3-a456-426614174000", "nothing", "%00", "x" * 3000]
)
@pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/events")]
)
def test_a_job_that_is_not_there_is_a_404(client, method, job_id, rest):
    answer = client.open(f"/v1/jobs/{job_id}{rest}", method=method)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "job_not_found")


def test_deleting_a_waiting_job_cancels_it(idle):
    client = idle.app.test_client()
    job_id = make(client).json["id"]
    answer = client.delete(f"/v1/jobs/{job_id}")
    assert (answer.status_code, answer.json["state"]) == (200, "cancelled")
    assert client.get(f"/v1/jobs/{job_id}").status_code == 200


def test_deleting_a_finished_job_erases_it_with_all_it_made(served, client):
    form = {"kind": "transcription", "file": (io.BytesIO(b"x"), "a.wav")}
    job_id = client.post("/v1/jobs", data=form).json["id"]
    final(client, job_id)
    assert len(files(served)) == 2
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert files(served) == []
    gone = client.get(f"/v1/jobs/{job_id}")
    assert (gone.status_code, gone.json["error"]["code"]) == (410, "gone")


def test_erasing_takes_the_promised_output_too_and_a_repeat_makes_it_anew(served, client):
    body = {"uuid": str(uuid.uuid4()), "member_id": 2, "text": "안녕", "created_at": "2024-01-01"}
    first = client.post("/api/texts", json=body).json["job_id"]
    assert client.delete(f"/v1/jobs/{first}").status_code == 204
    assert files(served) == []
    assert client.post("/api/texts", json=body).json["job_id"] != first


def test_an_input_that_a_retry_still_needs_is_kept(served, client):
    form = {"kind": "transcription", "file": (io.BytesIO(b"x"), "a.wav")}
    first = final(client, client.post("/v1/jobs", data=form).json["id"])["id"]
    again = client.post(f"/v1/jobs/{first}/retry")
    assert (again.status_code, again.json["retry_of"]) == (202, first)
    assert final(client, again.json["id"])["state"] == "succeeded"
    client.delete(f"/v1/jobs/{first}")
    assert any("inputs" in path.parts for path in files(served))
    client.delete(f"/v1/jobs/{again.json['id']}")
    assert files(served) == []


def test_an_output_that_was_never_this_jobs_is_not_erased(served, client):
    def refuse(job):
        raise BadMedia("media_empty")

    body = {"uuid": str(uuid.uuid4()), "member_id": 2, "text": "안녕", "created_at": "2024-01-01"}
    key = f"wav_files/2/{body['uuid']}_2024-01-01_voice.wav"
    served.storage.put(key, b"somebody else's", "audio/wav", "another")
    served.before = refuse
    failed = client.post("/api/texts", json=body).headers["X-Moksori-Job"]
    client.delete(f"/v1/jobs/{failed}")
    assert b"".join(served.storage.open(key)) == b"somebody else's"


def test_a_live_job_cannot_be_retried_and_a_retry_takes_no_body(idle):
    client = idle.app.test_client()
    path = f"/v1/jobs/{make(client).json['id']}/retry"
    assert client.post(path).json["error"]["code"] == "not_final"
    assert client.post(path, data="{}").status_code == 409
    assert client.post(path, json={"voice": 2}).json["error"]["code"] == "no_body_here"


def test_a_retry_under_a_key_is_made_once(client):
    first = final(client, make(client).json["id"])["id"]
    key = {"Idempotency-Key": "again"}
    made = {client.post(f"/v1/jobs/{first}/retry", headers=key).json["id"] for _ in range(3)}
    assert len(made) == 1


def test_a_batch_has_its_items_as_children_in_order(served, client):
    items = [
        {"kind": "speech", "input": "하나", "voice": 1},
        {"kind": "transcription", "input": "https://example.com/2.mp3"},
    ]
    batch = client.post("/v1/jobs", json={"kind": "batch", "items": items})
    assert (batch.status_code, batch.json["priority"]) == (202, "batch")
    done = final(client, batch.json["id"])
    assert done["children"] == {"total": 2, "succeeded": 2, "failed": 0}
    children = client.get(f"/v1/jobs?parent={done['id']}").json["data"]
    assert [child["kind"] for child in children] == ["speech", "transcription"]
    assert client.delete(f"/v1/jobs/{done['id']}").status_code == 204
    assert files(served) == []


@pytest.mark.parametrize(
    ("items", "code", "param"),
    [
        ([], "too_few", "items"),
        ([{"kind": "batch", "items": []}], "not_one_of", "items.0.kind"),
        ([{"kind": "speech", "input": "", "voice": 1}], "empty_text", "items.0.input"),
        ([{"kind": "speech", "input": "a", "voice": 1, "ttl": 5}], "only_the_batch", "items.0.ttl"),
        (["speech"], "wrong_type", "items.0"),
    ],
)
def test_a_batch_with_an_impossible_item_names_it(client, items, code, param):
    error = client.post("/v1/jobs", json={"kind": "batch", "items": items}).json["error"]
    assert (error["code"], error["param"]) == (code, param)


def test_a_hundred_posts_at_once_with_one_key_make_one_job(idle):
    def post(_):
        return make(idle.app.test_client(), {"Idempotency-Key": "only once"})

    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(post, range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len(idle.app.test_client().get("/v1/jobs").json["data"]) == 1


def test_the_same_key_with_another_body_is_refused(idle):
    client, key = idle.app.test_client(), {"Idempotency-Key": "k"}
    first = make(client, key)
    assert make(client, key, voice="gaon").json["id"] == first.json["id"]  # means the same
    answer = make(client, key, input="다른 글")
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "목소리"])
def test_a_key_that_is_none_is_refused(client, key):
    answer = make(client, [("Idempotency-Key", key.encode().decode("latin-1"))])
    assert answer.json["error"]["code"] == "bad_idempotency_key"
