"""Every hostile input is a failed job with a code and a sentence, and the worker is as well after it as before."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from speech.settings import Settings
from tests.gcs_fixtures import BUCKET
from tests.hearing_fixtures import Hearing, melody
from tests.media_fixtures import encode, encrypted, raw_wav, silence, tone, wav

pytestmark = pytest.mark.slow  # each decodes in a process of its own


@pytest.fixture
def hearing(store, tmp_path):
    settings = Settings(
        data_dir=str(tmp_path), audio_max_seconds=60, decode_timeout=30, download_timeout=1.5,
        allow_private_urls=True, upload_max_bytes=2_000_000,
    )  # fmt: skip
    return Hearing(store, settings)


def _file(make):
    return lambda path: path.write_bytes(make) and path


def _cut(path):
    encode(path, tone(3, rate=48_000), "mp4", "aac")
    path.write_bytes(path.read_bytes()[:2_000])


FILES = {
    "zero bytes": (lambda path: path.write_bytes(b""), "media_empty"),
    "a header and no samples": (lambda path: raw_wav(path, b"", 1, 16, 16_000), "media_empty"),
    "text as wav": (_file(b"this is no sound at all\n" * 100), "media_unreadable"),
    "a header that is wrong": (_file(b"RIFF\xff\xff\xff\xffWAVEfmt \x10" + b"\xff" * 99), "media_unreadable"),
    "random bytes": (_file(np.random.default_rng(1).bytes(50_000)), "media_unreadable"),
    "an mp4 cut before its index": (_cut, "media_unreadable"),
    "a web page": (_file(b"<!doctype html><title>404</title>"), "media_unreadable"),
    "a playlist": (_file(b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/a\n"), "media_playlist"),
    "hours of silence": (lambda path: silence(path, 5), "audio_too_long"),
    "no rate": (lambda path: raw_wav(path, tone(1).tobytes(), 1, 16, 0), "media_unreadable"),
    "one sample a second": (lambda path: raw_wav(path, bytes(40_000), 1, 16, 1), "audio_too_long"),
    "no sound track": (lambda path: encode(path, None, "mp4", picture=True), "media_no_audio"),
    "encrypted": (encrypted, "media_encrypted"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_a_hostile_file_fails_its_job_and_nothing_else(hearing, tmp_path, kind):
    make, code = FILES[kind]
    make(tmp_path / "recording.mp3")
    began = time.monotonic()
    job = hearing.job(input=hearing.put(tmp_path / "recording.mp3"))
    assert (job.state, job.error["code"], job.error["param"]) == ("failed", code, "file")
    assert time.monotonic() - began < 30
    assert hearing.is_well(tmp_path)


def test_a_megahertz_is_a_rate_like_any_other(hearing, tmp_path):
    sound = np.repeat(melody([300]), 64)  # 1.024 MHz
    raw_wav(tmp_path / "a.wav", sound[:900_000].tobytes(), 1, 16, 1_024_000)
    job = hearing.job(input=hearing.put(tmp_path / "a.wav"))
    assert (job.state, job.result["text"]) == ("succeeded", "300")


class Host(BaseHTTPRequestHandler):
    """Answers badly, each path in its own way."""

    over = threading.Event()

    def do_GET(self):
        if self.path == "/private":
            self.send_response(302)
            self.send_header("Location", "http://10.0.0.1/secret")
            self.end_headers()
        elif self.path == "/stalls":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"RIFF")
            self.over.wait(20)
        elif self.path == "/large":
            self.send_response(200)
            self.send_header("Content-Length", "3000000")
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Host.over.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    Host.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/private", "url_not_allowed"), ("/stalls", "url_timeout"), ("/large", "url_too_large"),
        ("/gone", "url_status"),
    ],
)  # fmt: skip
def test_a_host_that_misbehaves_fails_the_job_and_nothing_else(hearing, host, tmp_path, path, code):
    job = hearing.job({"url": host + path}, input={"url": host + path})
    assert (job.state, job.error["code"], job.error["param"]) == ("failed", code, "url")
    assert hearing.is_well(tmp_path)


def test_an_object_that_has_vanished_fails_the_job_and_nothing_else(hearing, tmp_path):
    job = hearing.job({"input": "gs://a/b"}, input={"key": "lectures/gone.mp4"})
    assert (job.state, job.error["code"]) == ("failed", "object_not_found")
    assert hearing.is_well(tmp_path)


@pytest.mark.gcs
def test_a_job_goes_from_bucket_to_bucket(store, tmp_path, gcs_url):
    settings = Settings(
        data_dir=str(tmp_path), storage_url=f"gs://{BUCKET}", storage_endpoint=gcs_url
    )
    hearing = Hearing(store, settings)
    media = wav(tmp_path / "talk.wav", melody([300, 500]))
    key = f"lectures/{time.monotonic_ns()}.wav"
    hearing.storage.put(key, media, "audio/wav", owner="somebody else")
    outputs = tuple(f"results/{time.monotonic_ns()}/transcript.{name}" for name in ("json", "srt"))
    fields = {"outputs": outputs, "promised": ("transcript.json", "transcript.srt")}
    job = hearing.job({"formats": ["json", "srt"]}, input={"key": key}, **fields)
    assert (job.state, job.result["text"]) == ("succeeded", "300 500")
    assert b"300" in b"".join(hearing.storage.open(outputs[1]))
    gone = hearing.job({"formats": ["json"]}, input={"key": "lectures/gone.mp4"})
    assert (gone.state, gone.error["code"]) == ("failed", "object_not_found")
