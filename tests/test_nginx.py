"""The shipped nginx configuration in front of the real server: slow clients, streams, time-outs, sizes, errors."""

import contextlib
import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from speech.jobs import NewJob
from speech.messages import MESSAGES
from speech.settings import Settings
from tests.nginx_process import SHIPPED, nginx
from tests.services import free_port, until

CONF = (SHIPPED / "nginx.conf").read_text("utf-8")
SLOW = 200  # clients at once
HALF_HEADER = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Never"
HALF_BODIES = [
    b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 1000\r\n\r\n{"input"',
    b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n--x\r\n",
]
THREADS = 20  # of the server; far fewer than slow clients
WAIT = 1.0


@pytest.fixture(scope="module")
def deployed(make_deployment, tmp_path_factory):
    """(a deployment without workers, the server's port, the port of nginx in front of it)."""
    deployment, port = make_deployment("embedded"), free_port()
    deployment.env |= {
        "MOKSORI_SERVER_THREADS": str(THREADS),
        "MOKSORI_WAIT_TIMEOUT": str(WAIT),
        "MOKSORI_UPLOAD_MAX_BYTES": "30000000",
    }
    try:
        with deployment.server(port), nginx(tmp_path_factory.mktemp("nginx"), port) as front:
            yield deployment, port, front
    finally:
        deployment.bells.close()
        deployment.store.db.close()


@pytest.fixture
def front(deployed):
    return f"http://127.0.0.1:{deployed[2]}"


@contextlib.contextmanager
def slow_clients(port, count, *beginnings):
    """Clients that send the beginning of a request, and no more."""
    with contextlib.ExitStack() as stack:
        for n in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            client.sendall(beginnings[n % len(beginnings)])
        yield


def health_seconds(port):
    began = time.monotonic()
    assert requests.get(f"http://127.0.0.1:{port}/health", timeout=20).status_code == 200
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("beginnings", [[HALF_HEADER], HALF_BODIES], ids=["headers", "bodies"])
def test_two_hundred_slow_clients_leave_health_under_a_second(deployed, beginnings):
    with slow_clients(deployed[2], SLOW, *beginnings):
        assert max(health_seconds(deployed[2]) for _ in range(10)) < 1


@pytest.mark.slow
def test_without_nginx_as_many_slow_clients_as_threads_stop_the_server(deployed):
    with slow_clients(deployed[1], THREADS, HALF_BODIES[0]):
        with pytest.raises(requests.Timeout):
            requests.get(f"http://127.0.0.1:{deployed[1]}/health", timeout=1.5)
    until(lambda: health_seconds(deployed[1]) < 1, 20, "the server is free again")


@pytest.mark.slow
def test_each_event_arrives_while_the_stream_is_open(deployed, front):
    deployment = deployed[0]
    job, _ = deployment.store.create(NewJob("speech", "speech", {"input": "안녕", "voice": 1}))
    arrived = []

    def follow():
        with requests.get(f"{front}/v1/jobs/{job.id}/events", stream=True, timeout=30) as stream:
            for line in stream.iter_lines(chunk_size=1):
                if line.startswith(b"data:"):
                    arrived.append((time.monotonic(), json.loads(line[5:])))

    reader = threading.Thread(target=follow)
    reader.start()
    until(lambda: arrived, 10, "the first event has come")
    claimed = deployment.store.claim("speech", "test/boot/speech-1")
    late = []
    for fraction in (0.2, 0.4, 0.6, 0.8):
        deployment.store.report(claimed, fraction, "speaking", [])
        committed = time.monotonic()
        until(lambda f=fraction: arrived[-1][1]["progress"]["fraction"] == f, 5, "it arrives")
        late.append(arrived[-1][0] - committed)
        assert reader.is_alive()
    deployment.store.cancel(job.id, "default")
    deployment.store.cancelled(claimed)
    reader.join(10)
    assert not reader.is_alive()
    assert max(late) < 0.2, late


@pytest.mark.slow
def test_a_504_carries_the_jobs_url(front):
    answer = requests.post(
        f"{front}/v1/audio/speech", json={"input": "안녕", "voice": 1}, timeout=20
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "wait_timeout")
    job = requests.get(front + answer.headers["Location"], timeout=10).json()
    assert job["state"] == "queued"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/audio/transcriptions", {"model": "whisper-1"}),
        ("/v1/jobs", {"kind": "transcription"}),
    ],
)
@pytest.mark.parametrize(("size", "status", "code"), [(20, 202, None), (31, 413, "file_too_large")])
def test_a_recording_in_a_form_passes_or_gets_the_servers_413(
    front, path, fields, size, status, code
):
    answer = requests.post(
        f"{front}{path}", timeout=60, headers={"Prefer": "respond-async"},
        files={"file": ("a.wav", b"\0" * size * 1_000_000)}, data=fields,
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    assert (answer.json()["error"] or {}).get("code") == code


def send(port, text):
    """The status and JSON that nginx answers to a raw request."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(text)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
            more = client.recv(65536)
            assert more, answer
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "size", "limit"),
    [
        ("/api/texts", 3_000_000, 2_097_152),
        ("/transcribe/upload", 200_000_000, 105_906_176),
        ("/uploads/x", 2_000_000_000, 1_074_790_400),
    ],
)
def test_a_body_that_is_too_large_is_refused_before_it_comes(deployed, path, size, limit):
    asked = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
    status, error = send(deployed[2], asked.encode())
    assert (status, error["code"]) == (413, "body_too_large")
    assert f"{limit} bytes" in error["message"]


@pytest.mark.slow
def test_what_is_not_http_gets_the_one_shape_of_errors_in_the_readers_language(deployed):
    status, error = send(deployed[2], b"GET / HTTP/1.1\r\nAccept-Language: ko\r\nHost: a b\r\n\r\n")
    assert (status, error["message"]) == (400, MESSAGES["bad_request"][1])


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that it got."""

    released = threading.Event()

    def do_GET(self):
        if self.path == "/stream":
            self.stream()
            return
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        """One piece at once, the next when the test has seen it."""
        self.send_response(200)
        self.send_header("X-Accel-Buffering", "no")
        self.end_headers()
        self.wfile.write(b"first")
        self.wfile.flush()
        assert self.released.wait(20)
        self.wfile.write(b"second")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """nginx in front of a server that shows what arrives; yields (the URL, the folder of its logs)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("echo")
    with nginx(folder, server.server_address[1]) as port:
        yield f"http://127.0.0.1:{port}", folder
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_sound_that_streams_arrives_piece_by_piece(echo):
    with requests.get(f"{echo[0]}/stream", stream=True, timeout=10) as answer:
        assert answer.raw.read(5) == b"first"
        Echo.released.set()
        assert answer.raw.read() == b"second"


@pytest.mark.slow
def test_what_a_client_says_of_where_it_comes_from_is_not_passed_on(echo):
    lies = {"X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1.2.3.4", "X-Real-IP": "1.2.3.4",
            "X-Forwarded-Host": "evil", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"}  # fmt: skip
    got = requests.get(echo[0], headers=lies, timeout=5).json()
    named = {name: value for name, value in got.items() if "orward" in name or name == "X-Real-IP"}
    assert named == {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}


@pytest.mark.slow
@pytest.mark.parametrize(("given", "kept"), [("mine-1", True), ("no good\t", False), ("", False)])
def test_a_request_id_is_passed_on_or_made_and_logged(echo, given, kept):
    url, folder = echo
    got = requests.get(url, headers={"X-Request-Id": given}, timeout=5).json()["X-Request-Id"]
    assert (got == given) is kept and re.fullmatch(r"[\w.-]{1,64}", got)
    until(lambda: got in (folder / "access.log").read_text(), 5, "it is logged")


@pytest.mark.slow
def test_links_and_queries_are_not_logged(echo):
    url, folder = echo
    requests.get(f"{url}/files/token-1/a.wav?key=token-2", timeout=5)
    signed = ("tracks", "events", "uploads")
    for kind in signed:
        requests.get(f"{url}/{kind}/token-3/a.vtt", timeout=5)
    until(lambda: "/uploads/-" in (folder / "access.log").read_text(), 5, "all are logged")
    log = (folder / "access.log").read_text()
    assert all(f"/{kind}/-" in log for kind in ("files", *signed)) and "token-" not in log


@pytest.mark.slow
def test_without_a_server_nginx_says_so_and_one_address_is_bounded(tmp_path):
    with nginx(tmp_path / "front", free_port()) as port:
        answers = all_at_once(port, 400)
    told = {(status, json.loads(body)["error"]["code"]) for status, _, body in answers}
    assert told == {("502", "gateway_unreachable"), ("429", "address_limited")}
    for _, head, _ in answers:
        assert re.search(r"^Retry-After: [1-9]", head, re.MULTILINE)
        assert re.search(r"^X-Request-Id: \w", head, re.MULTILINE)


def all_at_once(port, times):
    """(status, headers, body) of so many requests in one breath; a client that waits may be slower than the limit."""
    ask = b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\n%s\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(ask % b"" * (times - 1) + ask % b"Connection: close\r\n")
        heard = b"".join(iter(lambda: line.recv(65_536), b"")).decode()
    answers = re.split(r"HTTP/1\.1 (?=\d)", heard)[1:]
    assert len(answers) == times
    return [(one[:3], *one.split("\r\n\r\n", 1)) for one in answers]


def test_nginx_speaks_in_the_servers_words():
    said = re.findall(r"map \$tongue \$say_(\w+) \{\s+ko '(.+)';\s+default '(.+)';", CONF)
    assert len(said) == CONF.count("location @") == 6
    for code, *texts in said:
        for text, sentence in zip(texts, reversed(MESSAGES[code]), strict=True):
            error = json.loads(text.replace("\\'", "'"))["error"]
            assert error["message"] == sentence.replace("{limit}", "$body_limit")
            assert (error["code"], error["param"]) == (code, None)


def test_nginx_waits_longer_than_the_server_and_takes_what_the_server_takes():
    defaults = Settings()
    assert int(re.findall(r"proxy_read_timeout (\d+)s", CONF)[0]) >= defaults.wait_timeout + 30
    sizes = [int(size) for size in re.findall(r"client_max_body_size (\d+)m", CONF)]
    small, form, upload = (size * 1_048_576 for size in sizes)
    assert small > defaults.json_max_bytes
    assert form > defaults.form_limit and upload > defaults.upload_max_bytes
    limits = re.findall(r"^ +\S+ (\d{6,});$", CONF.partition("$uri $body_limit")[2], re.MULTILINE)
    assert sorted(map(int, limits)) == sorted((small, form, upload))
