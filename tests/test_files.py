"""Files by our own links, byte by byte: verbs, ranges, validators, names, expiry."""

import unicodedata
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.routes.files import files_routes
from speech.errors import SpeechError
from speech.filesystem import FileStorage
from speech.links import Links

BYTES = bytes(range(256)) * 10
NAME = "안녕하세요.wav"


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Counted(FileStorage):
    opened: list[tuple[int, int | None]]

    def open(self, key, start=0, end=None):
        self.opened.append((start, end))
        return super().open(key, start, end)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(clock: Clock) -> Links:
    return Links("http://localhost", "secret", now=clock)


@pytest.fixture
def storage(tmp_path: Path, links: Links) -> Counted:
    (tmp_path / "root").mkdir()
    storage = Counted(tmp_path / "root", links)
    storage.opened = []
    storage.put("t/1/speech.wav", BYTES, "audio/wav", "job-1")
    storage.put("t/1/empty.txt", b"", "text/plain", "job-1")
    return storage


@pytest.fixture
def client(storage: Counted, links: Links) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(files_routes(storage, links))
    app.register_error_handler(SpeechError, lambda e: ({"error": {"code": e.code}}, 404))
    return app.test_client()


@pytest.fixture
def url(storage: Counted) -> str:
    return storage.url("t/1/speech.wav", NAME, "audio/wav", 3600)


def code_of(response: TestResponse) -> str:
    return response.json["error"]["code"]


def test_get_serves_the_whole_file_with_every_promised_header(client: FlaskClient, url: str):
    response = client.get(url)
    assert response.status_code == 200 and response.data == BYTES
    headers = response.headers
    assert headers["Content-Type"] == "audio/wav"
    assert headers["Content-Length"] == str(len(BYTES))
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Cache-Control"] == "private, immutable, max-age=3600"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["ETag"].startswith('"') and len(headers["ETag"]) > 4
    assert headers["Content-Disposition"] == (
        "inline; filename=\"_____.wav\"; filename*=UTF-8''"
        "%EC%95%88%EB%85%95%ED%95%98%EC%84%B8%EC%9A%94.wav"
    )


def test_a_name_in_nfd_is_served_like_the_one_in_nfc(
    client: FlaskClient, storage: Counted, url: str
):
    apart = storage.url("t/1/speech.wav", unicodedata.normalize("NFD", NAME), "audio/wav", 3600)
    one, other = client.get(url), client.get(apart)
    assert one.headers["Content-Disposition"] == other.headers["Content-Disposition"]
    assert other.data == BYTES


def test_head_answers_like_get_and_reads_nothing(client: FlaskClient, storage: Counted, url: str):
    whole = client.get(url)
    storage.opened.clear()
    head = client.head(url)
    assert head.status_code == 200 and head.data == b"" and storage.opened == []
    same = ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Content-Disposition")
    assert [head.headers[name] for name in same] == [whole.headers[name] for name in same]


def test_head_ignores_a_range(client: FlaskClient, url: str):
    head = client.head(url, headers={"Range": "bytes=0-9"})
    assert head.status_code == 200 and head.headers["Content-Length"] == str(len(BYTES))


@pytest.mark.parametrize(
    "asked, start, stop",
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=2550-", 2550, 2560),
        ("bytes=-16", 2544, 2560),
        ("bytes=2000-99999", 2000, 2560),
        ("bytes=-99999", 0, 2560),
        ("bytes=0-", 0, 2560),
        ("bytes=2559-2559", 2559, 2560),
    ],
)
def test_one_range_gives_206_and_just_those_bytes(
    client: FlaskClient, storage: Counted, url: str, asked: str, start: int, stop: int
):
    response = client.get(url, headers={"Range": asked})
    assert response.status_code == 206 and response.data == BYTES[start:stop]
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/2560"
    assert response.headers["Content-Length"] == str(stop - start)
    assert storage.opened == [(start, stop)], "no byte before the range is read"


@pytest.mark.parametrize("asked", ["bytes=2560-", "bytes=5000-6000"])
def test_a_range_outside_gives_416_and_the_size(client: FlaskClient, url: str, asked: str):
    response = client.get(url, headers={"Range": asked, "Accept-Language": "ko"})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */2560"
    assert (
        code_of(response) == "range_not_satisfiable" and "범위" in response.json["error"]["message"]
    )


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "items=0-1", "bytes=9-3", "bytes=x", "bytes", "bytes=-0"]
)
def test_several_ranges_and_nonsense_give_the_whole_file(client: FlaskClient, url: str, asked: str):
    response = client.get(url, headers={"Range": asked})
    assert response.status_code == 200 and response.data == BYTES


def test_a_tag_that_holds_gives_304_before_any_range(
    client: FlaskClient, storage: Counted, url: str
):
    tag = client.get(url).headers["ETag"]
    storage.opened.clear()
    for extra in ({}, {"Range": "bytes=0-9"}):
        for asked in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            response = client.get(url, headers={"If-None-Match": asked, **extra})
            assert response.status_code == 304 and response.data == b""
            assert response.headers["ETag"] == tag and storage.opened == []
    assert client.head(url, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_if_range_gives_the_part_of_the_same_file_and_the_whole_of_another(
    client: FlaskClient, url: str
):
    tag = client.get(url).headers["ETag"]
    part = client.get(url, headers={"Range": "bytes=0-9", "If-Range": tag})
    assert part.status_code == 206 and part.data == BYTES[:10]
    whole = client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"older"'})
    assert whole.status_code == 200 and whole.data == BYTES


def test_the_tag_changes_with_the_bytes(client: FlaskClient, storage: Counted, url: str):
    before = client.get(url).headers["ETag"]
    storage.put("other.wav", b"other", "audio/wav", "job-2")
    storage.copy("other.wav", "t/1/speech.wav", "audio/wav", "job-2", True)
    after = client.get(url, headers={"If-None-Match": before})
    assert after.status_code == 200 and after.data == b"other"


def test_an_empty_file_is_served(client: FlaskClient, storage: Counted):
    url = storage.url("t/1/empty.txt", "empty.txt", "text/plain; charset=utf-8", 60)
    response = client.get(url, headers={"Range": "bytes=0-"})
    assert response.status_code == 200 and response.data == b""
    assert response.headers["Content-Length"] == "0"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_time_a_link_has_left_is_the_time_it_may_be_cached(
    client: FlaskClient, clock: Clock, url: str
):
    clock.now += 3500
    assert client.get(url).headers["Cache-Control"] == "private, immutable, max-age=100"
    clock.now += 101
    for response in (client.get(url), client.get(url, headers={"Range": "bytes=0-1"})):
        assert code_of(response) == "link_expired"


def test_the_token_alone_decides(client: FlaskClient, url: str):
    start = url.rsplit("/", 1)[0]
    response = client.get(start + "/another/name.mp3")
    assert response.data == BYTES and "another" not in response.headers["Content-Disposition"]
    assert response.headers["Content-Type"] == "audio/wav"


def test_a_forged_token_is_refused(client: FlaskClient):
    theirs = Links("http://localhost", "guess").url("t/1/speech.wav", "a.wav", "audio/wav", 60)
    assert code_of(client.get(theirs)) == "link_invalid"


def test_a_file_that_was_erased_is_told_from_a_bad_link(
    client: FlaskClient, storage: Counted, url: str
):
    storage.delete("t/1/speech.wav")
    assert code_of(client.get(url)) == "object_not_found"


def test_other_verbs_are_refused(client: FlaskClient, url: str):
    assert client.post(url).status_code == 405 and client.delete(url).status_code == 405
