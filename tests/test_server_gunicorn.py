"""The server process: bodies over the limit, hang-ups, stopping, refusing to start, and many open connections."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from speech import access
from speech.access import NewKey
from speech.database import Database
from speech.jobs import NewJob
from speech.messages import say
from tests.key_fixtures import new_key
from tests.live_server import gunicorn
from tests.services import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def live(sqlite_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    database = folder / "store.db"
    database.write_bytes(sqlite_template.read_bytes())
    temporary = folder / "tmp"
    temporary.mkdir()
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(temporary)
    limits = {"json_max_bytes": 100_000, "upload_max_bytes": 500_000}
    try:
        with gunicorn(f"sqlite:///{database}", folder, **limits) as made:
            yield made.base, made.beside, temporary
    finally:
        os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)


def chunks(total):
    for _ in range(total // 1000):
        yield b"a" * 1000


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [200_000, 5_000_000])
def test_a_json_body_over_the_limit_is_413(live, size, chunked):
    body = chunks(size) if chunked else b'"' + b"a" * size
    answer = requests.post(
        f"{live[0]}/v1/audio/speech", data=body, headers={"Content-Type": "application/json"},
        timeout=20,
    )  # fmt: skip
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [600_000, 5_000_000])
def test_an_upload_over_the_limit_is_413_and_nothing_is_kept(live, size, chunked):
    base, beside, temporary = live
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    whole = start + b"a" * size + b"\r\n--x--\r\n"
    body = iter([start, *chunks(size), b"\r\n--x--\r\n"]) if chunked else whole
    answer = requests.post(
        f"{base}/v1/audio/transcriptions", data=body, timeout=20,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )  # fmt: skip
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] in {"file_too_large", "form_too_large"}
    assert not list(temporary.glob("moksori-upload-*"))
    assert not (beside.storage.root / "t" / "default" / "inputs").exists()


def test_a_chunked_upload_under_the_limit_is_taken(live):
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    body = iter([start, *chunks(300_000), b"\r\n--x--\r\n"])
    answer = requests.post(
        f"{live[0]}/v1/audio/transcriptions", data=body, timeout=20,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert not list(live[2].glob("moksori-upload-*"))


def test_a_client_that_breaks_off_an_upload_leaves_nothing(live):
    base, beside, temporary = live
    parts = urlsplit(base)
    count = len(beside.claimed)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(
            b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
            + b"a"
            * 200_000
        )
        until(lambda: list(temporary.glob("moksori-upload-*")), 5, "the upload has begun")
    until(lambda: not list(temporary.glob("moksori-upload-*")), 5, "the file is removed")
    assert len(beside.claimed) == count


def test_a_truncated_form_is_refused(live):
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    answer = requests.post(
        f"{live[0]}/v1/audio/transcriptions", data=body, timeout=20,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "broken_form")


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO"])
def test_no_header_changes_which_route_is_asked_for(live, name):
    answer = requests.get(f"{live[0]}/v1/models", headers={name: "/v1"}, timeout=5)
    assert (answer.status_code, answer.json()["object"]) == (200, "list")


def test_a_hang_up_frees_the_waits_place(sqlite_template, tmp_path):
    database = tmp_path / "store.db"
    database.write_bytes(sqlite_template.read_bytes())
    with gunicorn(f"sqlite:///{database}", tmp_path, max_waits=1) as live:
        base, beside = live.base, live.beside
        hold = threading.Event()
        beside.before = lambda job: hold.wait(20)
        parts = urlsplit(base)
        body = json.dumps({"input": "a", "voice": 1}).encode()
        connection = http.client.HTTPConnection(parts.hostname, parts.port)
        connection.request("POST", "/v1/audio/speech", body, {"Content-Type": "application/json"})
        until(lambda: beside.claimed, 5, "the job runs")
        job_id = beside.claimed[0].id
        connection.close()

        def free():
            asked = {"input": "b", "voice": "nobody"}  # refused, but only after a place was free
            answer = requests.post(f"{base}/v1/audio/speech", json=asked, timeout=5)
            return answer.status_code == 400

        until(free, 5, "the place is free")
        assert requests.get(f"{base}/v1/jobs/{job_id}", timeout=5).json()["state"] == "running"
        hold.set()


def test_a_stop_ends_waits_and_streams_within_seconds(sqlite_template, tmp_path):
    database = tmp_path / "store.db"
    database.write_bytes(sqlite_template.read_bytes())
    seen = []
    with gunicorn(f"sqlite:///{database}", tmp_path) as live:
        base, beside = live.base, live.beside
        hold = threading.Event()
        beside.before = lambda job: hold.wait(20)
        asked = {"input": "a", "voice": 1}

        def wait():
            answer = requests.post(f"{base}/v1/audio/speech", json=asked, timeout=30)
            seen.append((answer.status_code, answer.json()["error"]["code"]))

        thread = threading.Thread(target=wait)
        thread.start()
        until(lambda: beside.claimed, 5, "the job runs")
        follow = requests.get(
            f"{base}/v1/jobs/{beside.claimed[0].id}/events", stream=True, timeout=30
        )
        began = time.monotonic()
        live.process.terminate()
        thread.join(20)
        assert time.monotonic() - began < 5
        follow.close()
        hold.set()
    assert seen == [(503, "server_stopping")]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com"])
def test_a_bind_beyond_this_machine_refuses_to_start_with_one_sentence(
    sqlite_template, tmp_path, host
):
    (tmp_path / "moksori.db").write_bytes(sqlite_template.read_bytes())
    env = os.environ | {"MOKSORI_HOST": host, "MOKSORI_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn", "server.wsgi:app"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
    assert ended.returncode != 0
    assert ended.stderr.strip().splitlines() == [
        f"The server does not start. {say('open_bind', host=host)}"
    ]


def test_with_a_key_it_listens_everywhere_and_asks_everybody_for_it(sqlite_template, tmp_path):
    database = f"sqlite:///{tmp_path}/store.db"
    (tmp_path / "store.db").write_bytes(sqlite_template.read_bytes())
    store = Database(database)
    _, text = access.create(store, NewKey("web", ("read",)))
    store.close()
    with gunicorn(database, tmp_path, host="0.0.0.0", log_level="DEBUG") as live:
        refused = requests.get(f"{live.base}/v1/jobs", timeout=5)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "key_missing")
        key = {"Authorization": f"Bearer {text}"}
        assert requests.get(f"{live.base}/v1/jobs", headers=key, timeout=5).status_code == 200
        assert requests.get(f"{live.base}/v1/jobs?key={text}", timeout=5).status_code == 400
    assert text not in (tmp_path / "server.log").read_text()


def test_a_keys_limit_is_exact_across_processes(sqlite_template, tmp_path):
    database = f"sqlite:///{tmp_path}/store.db"
    (tmp_path / "store.db").write_bytes(sqlite_template.read_bytes())
    hold, asked = threading.Event(), {"kind": "speech", "input": "안녕", "voice": 1}
    with gunicorn(database, tmp_path, server_processes=3) as live:
        live.beside.before = lambda job: hold.wait(60)
        _, key = new_key(live.beside, "speak", queued_jobs=7)

        def make(_n):
            url = f"{live.base}/v1/jobs"
            return requests.post(url, json=asked, headers=key, timeout=30).status_code

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(make, range(36)))
        hold.set()
    assert sorted(set(answers)) == [202, 429]
    assert answers.count(202) == 7


def test_health_stays_quick_under_200_streams_and_100_waits(live):
    """Also a measurement: run with -s to see it."""
    base, beside, _ = live
    hold = threading.Event()
    beside.before = lambda job: hold.wait(60)
    blocked, _ = beside.store.create(NewJob("speech", "speech", {"input": "a", "formats": []}))
    until(lambda: beside.store.get(blocked.id, "default").state == "running", 5, "it runs")
    followed, _ = beside.store.create(NewJob("speech", "speech", {"input": "b", "formats": []}))
    parts = urlsplit(base)
    connections = []
    try:
        for _ in range(200):
            connections.append(_ask(parts, "GET", f"/v1/jobs/{followed.id}/events"))
        for n in range(100):
            body = json.dumps({"input": f"wait {n}", "voice": 1})
            connections.append(_ask(parts, "POST", "/v1/audio/speech", body))
        for stream in connections[:200]:
            assert stream.getresponse().status == 200
        until(lambda: _queued(beside) >= 101, 20, "all wait")
        rounds = [sorted(_health(parts) for _ in range(100)) for _ in range(3)]
        times = min(rounds, key=lambda one: one[98])  # the round that other work disturbed least
        print(f"\n/health: median {statistics.median(times):.1f} ms, p99 {times[98]:.1f} ms")
        assert times[98] < 100
        over = [_ask(parts, "GET", f"/v1/jobs/{followed.id}/events") for _ in range(30)]
        connections += over
        refused = [answer for answer in (c.getresponse() for c in over) if answer.status == 503]
        assert len(refused) == 10 and refused[0].headers["Retry-After"]
    finally:
        hold.set()
        beside.before = lambda job: None
        for connection in connections:
            connection.close()


def _queued(beside):
    with beside.store.db.read() as connection:
        return connection.exec_driver_sql(
            "SELECT count(*) FROM jobs WHERE state = 'queued'"
        ).scalar_one()


def _ask(parts, method, path, body=None):
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    return connection


def _health(parts):
    began = time.perf_counter()
    connection = _ask(parts, "GET", "/health")
    assert connection.getresponse().status == 200
    connection.close()
    return (time.perf_counter() - began) * 1000


def refused(base, raw):
    """The answer to bytes that are no request of the app's."""
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(raw)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status, json.loads(answer.read())["error"]


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"GET /v1/jobs?q=" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "request_line_too_long"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 80 + b"\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400, "bad_request"),
        (b"<script>\r\n\r\n", 400, "bad_request"),
    ],
)  # fmt: skip
def test_what_never_reaches_the_app_is_refused_in_the_same_shape(live, raw, status, code):
    answered, error = refused(live[0], raw)
    assert (answered, error["code"], error["message"]) == (status, code, say(code, "en"))
    assert error["type"] == "invalid_request_error"
