"""A whole service of its own for a measurement: `moksori serve` in a fresh data folder, embedded or deployed."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.gcs_fixtures import BUCKET, fake_gcs
from tests.services import free_port, postgres, rabbitmq

DEPLOYED = "rabbitmq"
MODES = ("embedded", DEPLOYED)


class Served:
    """A running service: its address and its processes."""

    def __init__(self, base: str, process: subprocess.Popen[bytes], ready: float) -> None:
        self.base = base
        self.process = process
        self.ready = ready  # seconds from the start to all models loaded

    def processes(self, word: str) -> list[psutil.Process]:
        """The service's processes whose command line holds `word`."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in below if word in " ".join(one.cmdline())]


@contextlib.contextmanager
def served(mode: str, **settings: object) -> Iterator[Served]:
    """A service in `mode`; `settings` are MOKSORI_* names in lower case."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moksori-bench-")))
        env = {"data_dir": folder / "data", "port": free_port(), "log_level": "WARNING"}
        if mode == DEPLOYED:
            env["broker_url"] = stack.enter_context(rabbitmq()).url
            env["database_url"] = stack.enter_context(postgres())
            env["storage_endpoint"] = stack.enter_context(fake_gcs(folder / "gcs"))
            env["storage_url"] = f"gs://{BUCKET}/bench"
        env |= settings
        variables = {f"MOKSORI_{name.upper()}": str(value) for name, value in env.items()}
        base = f"http://127.0.0.1:{env['port']}"
        yield stack.enter_context(_started(base, {**os.environ, **variables}))


@contextlib.contextmanager
def _started(base: str, env: dict[str, str]) -> Iterator[Served]:
    moksori = [sys.executable, "-m", "moksori"]
    subprocess.run([*moksori, "prepare", "--quiet"], env=env, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*moksori, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    process = subprocess.Popen([*moksori, "serve"], env=env, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"Serving"):
                break
        else:
            raise RuntimeError("the service did not start; its log is above")
        with urllib.request.urlopen(f"{base}/health", timeout=30):
            pass
        yield Served(base, process, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
