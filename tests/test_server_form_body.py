"""Files of forms stream to disk, counted and hashed, and leave nothing behind."""

import hashlib
import io

import pytest

from server.form_body import FIELD_BYTES, PARTS, FormFile
from speech.errors import TooLarge


def test_a_file_is_counted_hashed_and_removed_when_closed():
    file = FormFile(limit=10)
    file.write(b"hello")
    file.write(b"world")
    file.seek(0)
    assert (file.read(), file.bytes) == (b"helloworld", 10)
    assert file.sha256 == hashlib.sha256(b"helloworld").hexdigest()
    with pytest.raises(TooLarge):
        file.write(b"!")
    path = file.path
    assert path.read_bytes() == b"helloworld"
    file.close()
    assert not path.exists()


def form(client, **fields):
    return client.post("/transcribe/upload", data={"file": (io.BytesIO(b"a"), "a")} | fields)


def test_a_field_over_its_limit_is_413(client):
    answer = form(client, language="k" * (FIELD_BYTES + 1))
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "form_too_large")


def test_too_many_fields_are_413(client):
    answer = form(client, **{f"f{n}": "x" for n in range(PARTS)})
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "form_too_large")


@pytest.mark.parametrize("body", [b"nothing", b"--x\r\n", b"--x\r\nContent-Dispo"])
def test_a_form_that_breaks_off_is_refused(client, body):
    answer = client.post(
        "/transcribe/upload", data=body, content_type="multipart/form-data; boundary=x"
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "broken_form")


def test_a_form_without_a_boundary_is_refused(client):
    answer = client.post("/transcribe/upload", data=b"x", content_type="multipart/form-data")
    assert answer.json["error"]["code"] == "broken_form"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\b", "x" * 5000])
def test_a_files_name_is_only_ever_shown(served, client, name):
    answer = client.post("/transcribe/upload", data={"file": (io.BytesIO(b"a"), name)})
    assert answer.status_code == 200
    job = served.claimed[0]
    assert job.input["key"].startswith("t/default/inputs/")
    assert len(job.input["name"]) <= 255
