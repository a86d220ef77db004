"""Uploads to the real server: connections that break off at any byte, kills, clients at once, and memory."""

import io
import os
import random
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from google.resumable_media.requests import ResumableUpload
from werkzeug.serving import make_server

from server import receiving
from tests.live_server import Live, gunicorn
from tests.resumable_client import ask, safe, send
from tests.server_fixtures import Served
from tests.services import free_port, until

pytestmark = pytest.mark.slow
SIZE = 1_000_000


@pytest.fixture(scope="module")
def live(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    database = folder / "store.db"
    database.write_bytes(sqlite_template.read_bytes())
    with gunicorn(f"sqlite:///{database}", folder) as made:
        yield made


@pytest.fixture
def data() -> bytes:
    return os.urandom(SIZE)


def begin(base: str, size: int = SIZE) -> dict:
    answer = requests.post(f"{base}/v1/uploads", json={"bytes": size}, timeout=10)
    assert answer.status_code == 201, answer.text
    return answer.json() | {"url": base + urlsplit(answer.json()["url"]).path}


def stored(live: Live, upload: dict) -> bytes:
    return b"".join(live.beside.storage.open(f"t/default/inputs/{upload['id']}"))


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def head(url: str, start: int, end: int, size: int, *more: str) -> bytes:
    lines = [f"PUT {urlsplit(url).path} HTTP/1.1", "Host: x", *more]
    lines.append(f"Content-Range: bytes {start}-{end - 1}/{size}")
    return "\r\n".join([*lines, "", ""]).encode()


def cut(url: str, data: bytes, start: int, sent: int, *, chunked: bool, reset: bool) -> None:
    """Announce everything from `start` on, send `sent` bytes of it, and break off."""
    with connected(url) as connection:
        body = data[start : start + sent]
        if chunked:
            connection.sendall(head(url, start, len(data), len(data), "Transfer-Encoding: chunked"))
            connection.sendall(f"{len(body) + 9:x}\r\n".encode() + body)
        else:
            length = f"Content-Length: {len(data) - start}"
            connection.sendall(head(url, start, len(data), len(data), length) + body)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("seed", range(4))
def test_a_connection_may_break_at_any_byte_and_again(live: Live, data: bytes, seed: int):
    dice, upload, at, most = random.Random(seed), begin(live.base), 0, 0
    for _ in range(15):
        sent = dice.randrange(SIZE - at)
        cut(upload["url"], data, at, sent, chunked=dice.random() < 0.5, reset=dice.random() < 0.5)
        most = max(most, at + sent)  # the server may still be reading what an earlier one sent
        now = safe(ask(upload["url"], SIZE, 0))
        assert at <= now <= most
        at = now
    send(upload["url"], data, dice.randrange(50_000, SIZE))
    assert stored(live, upload) == data


@pytest.mark.parametrize("chunked", [True, False])
def test_what_arrived_before_a_connection_was_closed_is_kept(
    live: Live, data: bytes, chunked: bool
):
    upload = begin(live.base)
    cut(upload["url"], data, 0, 700_000, chunked=chunked, reset=False)
    least = 700_000 - receiving.PIECE
    until(lambda: safe(ask(upload["url"], SIZE, 0)) >= least, 5, "the bytes are there")
    send(upload["url"], data, SIZE)
    assert stored(live, upload) == data


def test_a_chunked_body_is_taken_and_one_with_too_much_is_refused(live: Live, data: bytes):
    upload = begin(live.base)
    told = {"Content-Range": f"bytes 0-{SIZE - 1}/{SIZE}"}
    more = requests.put(upload["url"], data=iter([data, b"x"]), headers=told, timeout=10)
    assert (more.status_code, more.json()["error"]["code"]) == (400, "upload_range_invalid")
    whole = requests.put(upload["url"], data=iter([data[:9], data[9:]]), headers=told, timeout=10)
    assert whole.status_code == 200 and stored(live, upload) == data


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(live: Live, data: bytes):
    upload = begin(live.base)
    more = f"Content-Length: {SIZE}", "Expect: 100-continue", "Connection: close"
    with connected(upload["url"]) as connection:
        connection.sendall(head(upload["url"], 0, SIZE, SIZE, *more))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(data)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert stored(live, upload) == data


def test_googles_own_client_uploads_and_recovers(live: Live, data: bytes):
    upload = begin(live.base)
    theirs, stream = ResumableUpload("unused", 262_144, checksum=None), io.BytesIO(data)
    theirs._resumable_url, theirs._stream = upload["url"], stream
    theirs._total_bytes, theirs._content_type = SIZE, "video/mp4"
    with requests.Session() as transport:
        theirs.transmit_next_chunk(transport)
        cut(upload["url"], data, 262_144, 200_000, chunked=False, reset=False)
        theirs._make_invalid()
        theirs.recover(transport)
        assert theirs.bytes_uploaded >= 262_144
        while not theirs.finished:
            theirs.transmit_next_chunk(transport)
    assert stored(live, upload) == data


def test_two_clients_of_one_upload_make_one_right_file(live: Live, data: bytes):
    upload = begin(live.base)
    threads = [
        threading.Thread(target=send, args=(upload["url"], data, piece))
        for piece in (70_000, 110_000, SIZE)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert stored(live, upload) == data


def test_a_large_body_does_not_fill_the_memory(live: Live):
    size = 100_000_000
    (worker,) = psutil.Process(live.process.pid).children()
    upload = begin(live.base, size)
    requests.put(begin(live.base)["url"], data=b"x" * SIZE, timeout=10)
    before, most, done = worker.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, worker.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    pieces = (b"x" * 1_000_000 for _ in range(size // 1_000_000))
    told = {"Content-Range": f"bytes 0-{size - 1}/{size}"}
    answer = requests.put(upload["url"], data=pieces, headers=told, timeout=60)
    done.set()
    watcher.join()
    assert answer.status_code == 200
    assert most - before < 20_000_000


def test_a_client_that_falls_silent_is_answered_with_what_arrived(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(receiving, "SILENCE", 0.2)
    server = make_server("127.0.0.1", 0, served.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        upload = begin(f"http://127.0.0.1:{server.server_port}", 100)
        with connected(upload["url"]) as connection:
            connection.sendall(head(upload["url"], 0, 100, 100, "Content-Length: 100") + b"x" * 40)
            answer = connection.recv(1000)
        assert answer.startswith(b"HTTP/1.1 308")
        assert safe(ask(upload["url"], 100, 0)) in (0, 40)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_a_server_killed_in_the_middle_goes_on_where_it_was_and_the_job_is_done(make_deployment):
    size = 3_000_000
    data, port = os.urandom(size), free_port()
    with make_deployment("embedded") as deployment:
        deployment.start_worker("transcription").wait_ready()
        with deployment.server(port):
            upload = begin(f"http://127.0.0.1:{port}", size)
        at = 0
        for n in range(3):
            with deployment.server(port):
                now = safe(ask(upload["url"], size, 0))
                assert now >= at, "what was answered for is still there"
                piece = data[now : now + 400_000]
                told = {"Content-Range": f"bytes {now}-{now + len(piece) - 1}/{size}"}
                at = safe(requests.put(upload["url"], data=piece, headers=told, timeout=10))
                assert at == now + 400_000
                cut(upload["url"], data, at, 100_000 * (n + 1), chunked=False, reset=False)
        with deployment.server(port):
            send(upload["url"], data, 500_000)
            asked = {"kind": "transcription", "upload": upload["id"]}
            answer = requests.post(f"http://127.0.0.1:{port}/v1/jobs", json=asked, timeout=10)
            assert answer.status_code == 202, answer.text
            job = deployment.store.get(answer.json()["id"], "default")
            deployment.accepted = [job.id]
            assert deployment.wait(job, 30).state == "succeeded"
        assert b"".join(deployment.storage.open(job.input["key"])) == data
        deployment.check()
