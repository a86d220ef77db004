"""Uploads over HTTP: begun, filled in pieces, named by jobs, given up."""

import io
import time
import unicodedata
from dataclasses import replace

import pytest

from server.shapes import UploadShape
from speech import uploads
from tests.key_fixtures import new_key
from tests.server_fixtures import serve, working
from tests.services import until

BYTES = bytes(range(250))


def begin(client, headers=None, **fields):
    return client.post("/v1/uploads", json={"bytes": len(BYTES)} | fields, headers=headers)


def path(upload):
    return upload["url"].removeprefix("http://127.0.0.1:8000")


def put(client, upload, start, end, **headers):
    told = {"Content-Range": f"bytes {start}-{end - 1}/{len(BYTES)}"} | headers
    return client.put(path(upload), data=BYTES[start:end], headers=told)


def ask(client, upload, told="bytes */250"):
    return client.put(path(upload), headers={"Content-Range": told})


def whole(client):
    upload = begin(client, name="녹음.wav").json
    return put(client, upload, 0, len(BYTES)).json


def error(answer):
    return answer.status_code, answer.json["error"]["code"], answer.json["error"]["param"]


def test_an_upload_begins_open_and_has_the_documented_shape(client):
    name = unicodedata.normalize("NFD", "한글 녹음.webm")
    answer = begin(client, name=name, content_type="audio/webm;codecs=opus")
    assert answer.status_code == 201
    UploadShape.model_validate(answer.json)
    told = {key: answer.json[key] for key in ("state", "received", "bytes", "name", "content_type")}
    assert told == {
        "state": "open", "received": 0, "bytes": 250,
        "name": unicodedata.normalize("NFC", name), "content_type": "audio/webm;codecs=opus",
    }  # fmt: skip
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(f"/v1/uploads/{answer.json['id']}").json == answer.json


def test_pieces_are_taken_until_the_file_is_whole(served, client):
    upload = begin(client).json
    first = put(client, upload, 0, 100)
    assert (first.status_code, first.headers["Range"], first.data) == (308, "bytes=0-99", b"")
    assert client.get(f"/v1/uploads/{upload['id']}").json["received"] == 100
    assert put(client, upload, 100, 101).headers["Range"] == "bytes=0-100"
    last = put(client, upload, 101, 250)
    assert (last.status_code, last.json["state"], last.json["url"]) == (200, "complete", None)
    UploadShape.model_validate(last.json)
    assert last.json["expires_at"] >= upload["expires_at"]
    assert client.get(f"/v1/uploads/{upload['id']}").json == last.json
    assert put(client, upload, 0, 100).json == ask(client, upload).json == last.json


@pytest.mark.parametrize("told", ["bytes */250", "bytes */*"])
def test_a_client_may_ask_how_much_is_safe(client, told):
    upload = begin(client).json
    nothing = ask(client, upload, told)
    assert nothing.status_code == 308 and "Range" not in nothing.headers
    put(client, upload, 0, 7)
    assert ask(client, upload, told).headers["Range"] == "bytes=0-6"


def test_the_whole_file_may_come_at_once_without_a_range(client):
    upload = begin(client).json
    assert client.put(path(upload), data=BYTES).json["state"] == "complete"


def test_bytes_that_are_there_are_ignored_and_a_gap_is_answered_with_the_true_range(served, client):
    upload = begin(client).json
    put(client, upload, 0, 100)
    assert put(client, upload, 50, 120).headers["Range"] == "bytes=0-119"
    gap = put(client, upload, 200, 250)
    assert (gap.status_code, gap.headers["Range"]) == (308, "bytes=0-119")
    told = {"Content-Range": "bytes 120-249/*"}
    assert client.put(path(upload), data=BYTES[120:], headers=told).status_code == 200
    job = job_of(client, upload)
    assert b"".join(served.storage.open(input_of(served, job))) == BYTES


def job_of(client, upload, **fields):
    asked = {"kind": "transcription", "upload": upload["id"]} | fields
    answer = client.post("/v1/jobs", json=asked)
    assert answer.status_code == 202, answer.json
    return answer.json


def input_of(served, job):
    return served.store.get(job["id"], "default").input["key"]


@pytest.mark.parametrize(
    ("told", "size"),
    [
        ("bytes 0-249/251", 250),
        ("bytes 0-250/250", 251),
        ("bytes 0-250/*", 251),
        ("bytes 10-9/250", 0),
        ("bytes 0-9/250", 11),
        ("bytes 0-9/250", 9),
        ("bytes */250", 5),
        ("bytes */251", 0),
        ("bytes -5/250", 5),
        ("bytes 0-/250", 250),
        ("bytes=0-249/250", 250),
        ("items 0-249/250", 250),
        ("bytes ٠-٩/250", 10),
        ("", 250),
        (None, 249),
        (None, 251),
    ],
)
def test_a_body_that_does_not_fit_its_range_is_refused_and_none_of_it_kept(client, told, size):
    upload = begin(client).json
    headers = {"Content-Range": told} if told is not None else {}
    if told and not told.isascii():
        headers = {"Content-Range": told.encode().decode("latin-1")}
    answer = client.put(path(upload), data=b"x" * size, headers=headers)
    assert error(answer) == (400, "upload_range_invalid", "Content-Range")
    assert "Range" not in ask(client, upload).headers


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"bytes": 0}, 400, "out_of_range", "bytes"),
        ({"bytes": True}, 400, "wrong_type", "bytes"),
        ({"bytes": "250"}, 400, "wrong_type", "bytes"),
        ({"bytes": 1_073_741_825}, 413, "upload_too_large", "bytes"),
        ({"bytes": 10**40}, 413, "upload_too_large", "bytes"),
        ({"name": 5}, 400, "wrong_type", "name"),
        ({"content_type": "audio"}, 400, "bad_value", "content_type"),
        ({"content_type": "audio/wav\r\nX: 1"}, 400, "bad_value", "content_type"),
        ({"url": "https://example.com"}, 400, "unknown_field", "url"),
    ],
)
def test_what_cannot_be_uploaded_is_refused_at_once(served, client, fields, status, code, param):
    assert error(begin(client, **fields)) == (status, code, param)
    assert not [one for one in served.storage.root.rglob("*") if one.is_file()]


def test_a_disk_without_room_is_507(served, client, monkeypatch):
    served.app.extensions["moksori"] = replace(
        served.app.extensions["moksori"], settings=replace(served.settings, upload_max_bytes=10**18)
    )
    answer = begin(client, bytes=10**17)
    assert error(answer) == (507, "storage_full", None)
    assert answer.headers["Retry-After"]


def test_a_job_is_made_of_a_complete_upload_and_again_of_the_same(served, client):
    upload = whole(client)
    first = job_of(client, upload, formats=["srt"])
    assert first["request"]["upload"] == upload["id"]
    second = client.post("/v1/audio/transcriptions", json={"upload": upload["id"]})
    assert second.json["text"].startswith("안녕하세요")
    form = client.post("/v1/audio/translations", data={"upload": upload["id"]})
    assert form.status_code == 200
    batch = {"kind": "batch", "items": [{"kind": "translation", "upload": upload["id"]}] * 2}
    assert client.post("/v1/jobs", json=batch).status_code == 202
    until(lambda: len(served.claimed) == 5, 10, "all are claimed")
    inputs = [job.input for job in served.claimed]
    assert inputs == [inputs[0]] * 5
    assert (inputs[0]["name"], inputs[0]["bytes"]) == ("녹음.wav", 250)
    retried = client.post(f"/v1/jobs/{second.headers['X-Moksori-Job']}/retry")
    assert retried.status_code == 202


def test_a_job_of_an_upload_that_is_not_whole_tells_how_much_is_there(served, client):
    upload = begin(client).json
    put(client, upload, 0, 100)
    answer = client.post("/v1/jobs", json={"kind": "transcription", "upload": upload["id"]})
    assert error(answer) == (409, "upload_incomplete", "upload")
    assert "100 of 250" in answer.json["error"]["message"]
    assert client.get("/v1/jobs").json["data"] == []


@pytest.mark.parametrize("name", ["nobody", "", "x" * 300, "../../x"])
def test_an_upload_that_is_unknown_is_a_bad_body(client, name):
    answer = client.post("/v1/jobs", json={"kind": "transcription", "upload": name})
    assert error(answer) == (400, "upload_not_found", "upload")
    items = [{"kind": "transcription", "upload": name}]
    batch = client.post("/v1/jobs", json={"kind": "batch", "items": items})
    assert error(batch) == (400, "upload_not_found", "items.0.upload")


def test_an_upload_is_one_way_of_naming_the_recording(client):
    upload = whole(client)
    both = {"upload": upload["id"], "url": "https://example.com/a.mp3"}
    answer = client.post("/v1/audio/transcriptions", json=both)
    assert (
        error(answer) == (400, "one_input", "file") and "upload" in answer.json["error"]["message"]
    )
    form = {"upload": upload["id"], "file": (io.BytesIO(b"x"), "a.wav")}
    assert error(client.post("/v1/audio/transcriptions", data=form))[1] == "one_input"
    spoken = {"kind": "speech", "input": "a", "voice": 1, "upload": upload["id"]}
    assert error(client.post("/v1/jobs", json=spoken))[1] == "unknown_field"


def test_the_same_key_and_upload_find_the_first_job(client):
    upload, key = whole(client), {"Idempotency-Key": "one"}
    asked = {"kind": "transcription", "upload": upload["id"]}
    first, second = (client.post("/v1/jobs", json=asked, headers=key) for _ in range(2))
    assert first.json["id"] == second.json["id"]
    other = {"kind": "transcription", "upload": whole(client)["id"]}
    assert client.post("/v1/jobs", json=other, headers=key).status_code == 422


def test_one_that_was_given_up_takes_nothing_and_leaves_nothing(served, client):
    upload, other = begin(client).json, whole(client)
    put(client, upload, 0, 100)
    for one in (upload, other):
        assert client.delete(f"/v1/uploads/{one['id']}").status_code == 204
        assert error(client.get(f"/v1/uploads/{one['id']}")) == (404, "upload_not_found", None)
        assert client.delete(f"/v1/uploads/{one['id']}").status_code == 404
    assert error(put(client, upload, 100, 250)) == (410, "upload_gone", None)
    assert not [one for one in served.storage.root.rglob("*") if one.is_file()]


def test_erasing_the_job_erases_its_upload(served, client):
    upload = whole(client)
    job = job_of(client, upload)
    until(lambda: client.get(f"/v1/jobs/{job['id']}").json["finished_at"], 10, "it has ended")
    key = input_of(served, job)
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert served.storage.stat(key) is None
    assert client.get(f"/v1/uploads/{upload['id']}").status_code == 404


def test_an_upload_whose_bytes_the_folder_lost_is_gone(served, client):
    upload = begin(client).json
    for part in served.storage.root.rglob("*.upload"):
        part.unlink()
    assert error(put(client, upload, 0, 100)) == (410, "upload_gone", None)
    assert error(client.get(f"/v1/uploads/{upload['id']}")) == (410, "upload_gone", None)
    job = client.post("/v1/jobs", json={"kind": "transcription", "upload": upload["id"]})
    assert error(job) == (400, "upload_gone", "upload")


@pytest.mark.parametrize("token", ["nobody", "e30.x", "a.b.c"])
def test_a_url_that_we_did_not_sign_is_refused(client, token):
    answer = client.put(f"/uploads/{token}", data=b"x")
    assert error(answer) == (404, "link_invalid", None)


def test_a_link_to_a_file_is_no_leave_to_write_and_the_other_way_round(served, client):
    links = served.app.extensions["moksori"].links
    upload = begin(client).json
    token = path(upload).rsplit("/", 1)[1]
    assert client.get(f"/files/{token}/x").json["error"]["code"] == "link_invalid"
    reading = links.url("k", "n", "audio/wav", 60).split("/files/")[1].split("/")[0]
    assert client.put(f"/uploads/{reading}", data=b"x").json["error"]["code"] == "link_invalid"


def test_a_url_ends_with_its_upload(served, client):
    links = served.app.extensions["moksori"].links
    upload = begin(client).json
    over = links.upload_url(upload["id"], time.time() - 1).rsplit("/", 1)[1]
    assert error(client.put(f"/uploads/{over}", data=BYTES)) == (410, "upload_gone", None)
    unknown = links.upload_url("11111111-1111-4111-8111-111111111111", time.time() + 60)
    assert client.put(f"/uploads/{unknown.rsplit('/', 1)[1]}", data=BYTES).status_code == 410


def test_a_url_takes_bytes_without_a_key_and_nothing_else_does(new_database, tmp_path):
    with working(serve(new_database("sqlite"), tmp_path)) as made:
        client = made.app.test_client()
        _, speaks = new_key(made, "speak", "read")
        _, hears = new_key(made, "transcribe")
        assert begin(client).status_code == 401
        assert error(begin(client, headers=speaks))[:2] == (403, "scope_missing")
        upload = begin(client, headers=hears).json
        assert put(client, upload, 0, 250).json["state"] == "complete"
        assert client.get(f"/v1/uploads/{upload['id']}").status_code == 401
        made_of_it = {"kind": "transcription", "upload": upload["id"]}
        assert client.post("/v1/jobs", json=made_of_it, headers=hears).status_code == 202
    made.store.db.close()


def test_an_upload_of_another_tenant_answers_as_an_unknown_one(served, client, monkeypatch):
    upload = whole(client)
    with served.store.writing() as tx:
        tx.connection.execute(uploads.uploads.update().values(tenant="other"))
    unknown = "11111111-1111-4111-8111-111111111111"
    for ask_for in (
        lambda one: client.get(f"/v1/uploads/{one}"),
        lambda one: client.delete(f"/v1/uploads/{one}"),
        lambda one: client.post("/v1/jobs", json={"kind": "transcription", "upload": one}),
    ):
        theirs, nobodys = ask_for(upload["id"]), ask_for(unknown)
        assert theirs.status_code == nobodys.status_code
        assert theirs.text == nobodys.text.replace(unknown, upload["id"])


def test_pieces_over_the_cap_are_asked_to_come_back(new_database, tmp_path):
    made = serve(new_database("sqlite"), tmp_path, max_receiving=1)
    client = made.app.test_client()
    upload = begin(client).json
    with made.app.extensions["moksori"].receiving.place():
        answer = put(client, upload, 0, 100)
    assert error(answer) == (503, "too_many_uploads", None) and answer.headers["Retry-After"]
    assert put(client, upload, 0, 100).status_code == 308
    made.store.db.close()


def test_one_that_is_given_up_before_its_last_byte_is_counted_is_gone(served, client, monkeypatch):
    upload = begin(client).json
    append = served.storage.append

    def given_up(*args):
        received = append(*args)
        client.delete(f"/v1/uploads/{upload['id']}")
        return received

    monkeypatch.setattr(served.storage, "append", given_up)
    assert error(put(client, upload, 0, 250)) == (410, "upload_gone", None)
    assert not [one for one in served.storage.root.rglob("*") if one.is_file()]


@pytest.mark.parametrize("size", [1001, 3000])
def test_a_form_takes_small_files_only_and_says_where_larger_ones_go(new_database, tmp_path, size):
    made = serve(new_database("sqlite"), tmp_path, form_max_bytes=1000, upload_max_bytes=2500)
    with working(made):
        client = made.app.test_client()

        def form(count):
            data = {"file": (io.BytesIO(b"x" * count), "a.wav")}
            return client.post("/v1/audio/transcriptions", data=data)

        assert form(1000).status_code == 200
        answer = form(size)
        assert error(answer) == (413, "file_too_large", "file")
        assert "POST /v1/uploads" in answer.json["error"]["message"]
        assert begin(client, bytes=2500).status_code == 201
        assert error(begin(client, bytes=2501)) == (413, "upload_too_large", "bytes")
    made.store.db.close()


def test_a_form_takes_no_more_than_an_upload(new_database, tmp_path):
    made = serve(new_database("sqlite"), tmp_path, form_max_bytes=1000, upload_max_bytes=500)
    data = {"file": (io.BytesIO(b"x" * 501), "a.wav")}
    answer = made.app.test_client().post("/v1/audio/transcriptions", data=data)
    assert error(answer) == (413, "file_too_large", "file")
    made.store.db.close()


def test_a_listed_origin_may_upload_and_read_how_much_is_safe(new_database, tmp_path):
    site = "https://app.example.com"
    made = serve(new_database("sqlite"), tmp_path, cors_origins=site)
    client = made.app.test_client()
    upload = begin(client, headers={"Origin": site}).json
    asked = {"Origin": site, "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": "content-range"}  # fmt: skip
    allowed = client.options(path(upload), headers=asked).headers
    assert allowed["Access-Control-Allow-Origin"] == site
    assert "PUT" in allowed["Access-Control-Allow-Methods"]
    assert "content-range" in allowed["Access-Control-Allow-Headers"]
    answer = put(client, upload, 0, 100, Origin=site)
    assert answer.headers["Access-Control-Allow-Origin"] == site
    assert "Range" in answer.headers["Access-Control-Expose-Headers"].split(", ")
    made.store.db.close()
