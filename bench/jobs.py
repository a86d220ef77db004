"""Jobs accepted a second with RabbitMQ and PostgreSQL; memory at rest; time to ready; health under waits.

    make bench-jobs

Goals: at least 100 jobs a second by one gunicorn with 2 workers, none lost; the server at rest under 150 MB; the
speech worker with five members under 700 MB; ready in under 10 s from warm files.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import requests

from bench.service import DEPLOYED, MODES, Served, served

CLIENTS = 16
STUB = {"plugins": "tests.stub_plugin"}


def main() -> None:
    """Print the figures as two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000)
    count = parser.parse_args().jobs
    print("| mode | ready, s | server at rest, MB | speech worker, MB | transcription worker, MB |")
    print("|---|---|---|---|---|")
    for mode in MODES:
        with served(mode) as service:
            rest(mode, service)
    print("\n| mode | jobs | accepted a second | all done after, s | lost |")
    print("|---|---|---|---|---|")
    with served(DEPLOYED, server_processes=2, **STUB) as service:
        flood(DEPLOYED, service, count)


def rest(mode: str, service: Served) -> None:
    """Time to ready, and memory a few seconds after: all processes of the server; a lane's child and its parents."""
    time.sleep(5)
    server = sum(map(_memory, service.processes("gunicorn"))) / 1e6
    lanes = [_of_lane(service, lane) / 1e6 for lane in ("speech", "transcription")]
    print(f"| {mode} | {service.ready:.1f} | {server:.0f} | {lanes[0]:.0f} | {lanes[1]:.0f} |")


def _memory(process: psutil.Process) -> int:
    """Bytes that would be free without the process, and its share of what it has in common with others (PSS)."""
    return int(process.memory_full_info().pss)


def _of_lane(service: Served, lane: str) -> int:
    """The process that holds a lane's models, and the worker processes above it."""
    child = next(one for one in service.processes("spawn_main") if _holds(one, lane))
    above = [one for one in child.parents() if "worker" in " ".join(one.cmdline())]
    return sum(map(_memory, [child, *above]))


def _holds(process: psutil.Process, lane: str) -> bool:
    libraries = {part.path.rpartition("/")[2] for part in process.memory_maps()}
    hears = any("ctranslate2" in name for name in libraries)
    speaks = any("onnxruntime" in name for name in libraries)
    return (
        hears if lane == "transcription" else speaks and not hears
    )  # the VAD runs on ONNX Runtime too


def flood(mode: str, service: Served, count: int) -> None:
    """Post jobs as fast as a few clients can, then see that every one of them ends well."""
    url = f"{service.base}/v1/jobs"
    body = {"kind": "speech", "model": "tts-1", "voice": "1", "input": "안녕하세요."}
    sessions = [requests.Session() for _ in range(CLIENTS)]

    def post(place: int) -> Any:
        answer = sessions[place % CLIENTS].post(url, json=body, timeout=60)
        return answer.json()["id"] if answer.status_code == 202 else None

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        ids = [one for one in pool.map(post, range(count)) if one]
    rate = len(ids) / (time.monotonic() - began)
    done = _drained(url, len(ids))
    lost = len(set(ids)) - done
    print(f"| {mode} | {len(ids)} | {rate:.0f} | {time.monotonic() - began:.0f} | {lost} |")


def _drained(url: str, count: int) -> int:
    """How many jobs have succeeded once nothing is open any more."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        open_now = [
            requests.get(url, params={"state": state, "limit": 1}, timeout=30).json()["data"]
            for state in ("queued", "running")
        ]
        if not any(open_now):
            break
        time.sleep(0.5)
    found, after = 0, None
    while True:
        params = {"state": "succeeded", "limit": 100, **({"after": after} if after else {})}
        page = requests.get(url, params=params, timeout=30).json()
        found += len(page["data"])
        if not page["has_more"]:
            return min(found, count)
        after = page["next"]


if __name__ == "__main__":
    main()
