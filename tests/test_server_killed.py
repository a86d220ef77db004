"""The real HTTP server, killed -9 while clients post jobs: what was answered 202 is done, and done once."""

import json
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.services import free_port
from tests.worker_processes import until

pytestmark = pytest.mark.slow


def _post(port, key):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/jobs",
        json.dumps({"kind": "speech", "input": "안녕하세요", "voice": 1}).encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202
        return json.load(answer)["id"]


def _post_until(stop, port, accepted, unsure):
    """One client: it notes what was answered, and what was asked and not answered."""
    n = 0
    while not stop.is_set():
        key, n = f"{threading.get_ident()}-{time.monotonic_ns()}-{n}", n + 1
        try:
            accepted[key] = _post(port, key)
        except urllib.error.HTTPError as refused:
            raise AssertionError(refused.read()) from refused
        except OSError:
            unsure.append(key)
            time.sleep(0.05)


def test_a_server_killed_under_load_loses_nothing_and_doubles_nothing(deployment):
    port = free_port()
    stop, accepted, unsure = threading.Event(), {}, []
    clients = [
        threading.Thread(target=_post_until, args=(stop, port, accepted, unsure), daemon=True)
        for _ in range(3)
    ]
    with deployment.server(port):
        for client in clients:
            client.start()
        until(lambda: len(accepted) >= 20, 20, "twenty jobs are accepted", 0.01)
    stop.set()  # the server is dead now
    for client in clients:
        client.join(15)
    with deployment.server(port):
        for key in unsure[:20]:
            accepted[key] = _post(port, key)  # a client that asks again finds or makes one job
        assert all(_post(port, key) == job_id for key, job_id in list(accepted.items())[:20])
    deployment.accepted = list(set(accepted.values()))
    assert len(deployment.accepted) == len(accepted)
    for job_id in deployment.accepted:
        job = deployment.store.get(job_id, "default")
        assert deployment.wait(job, 30).state == "succeeded"
    deployment.check()
