"""The real server for tests: gunicorn on a free loopback port, and a worker that plays beside it in this process."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from speech.datagrams import DatagramBells
from tests.server_fixtures import Served, serve, working
from tests.services import free_port, until


@dataclass
class Live:
    """A running server: its URL, its process, and its parts beside it (same store, files and bells)."""

    base: str
    beside: Served
    process: subprocess.Popen[bytes]


@contextmanager
def gunicorn(database: str, folder: Path, **given: object) -> Iterator[Live]:
    """The server over a migrated database and a folder, with a playing worker; stopped with SIGTERM."""
    port = free_port()
    beside = serve(database, folder, DatagramBells(folder / "bells"))
    given = {
        "data_dir": folder, "database_url": database, "storage_url": f"file://{folder}/artifacts",
        "secret": "only for these tests", "port": port, "log_level": "WARNING", **given,
    }  # fmt: skip
    env = os.environ | {f"MOKSORI_{name.upper()}": str(value) for name, value in given.items()}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn", "server.wsgi:app"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is not None or _answers(base), 30, "the server answers")
        assert process.poll() is None, (folder / "server.log").read_text()
        with working(beside):
            yield Live(base, beside, process)
    finally:
        process.terminate()
        process.wait(30)
        beside.app.extensions["moksori"].waits.watch.close()
        beside.store.db.close()
        beside.store.bells.close()


def _answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
