"""Worker processes of a deployment under test: found, frozen, killed, waited for."""

import contextlib
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from moksori.programs import QUIET
from speech.settings import Settings
from speech.topology import lane_queue
from worker.child import host_name

if TYPE_CHECKING:
    from tests.deployments import Deployment

ROOT = Path(__file__).parent.parent


def until(
    condition: Callable[[], object],
    seconds: float,
    what: str | Callable[[], str],
    every: float = 0.02,
) -> None:
    """Wait for a condition; fails with `what` when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"After {seconds} s still not true: {told}")
        time.sleep(every)


class Worker:
    """One worker: a parent process and its children."""

    def __init__(
        self, deployment: "Deployment", lanes: tuple[str, ...], env: dict[str, str]
    ) -> None:
        self.deployment = deployment
        self.boot = secrets.token_hex(6)
        self.id = f"{host_name(deployment.settings)}/{self.boot}"
        env = {"MOKSORI_BOOT": self.boot, "MOKSORI_LANES": ",".join(lanes), **env}
        self.log = deployment.folder / f"worker-{self.boot}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                _worker_command(deployment.settings, lanes, self.boot),
                env=deployment.env | env,
                cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.lanes = lanes
        self.plain = True  # as the deployment's settings say

    def children(self) -> list[psutil.Process]:
        """The processes that hold models (also while they load)."""
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.process.pid).children(recursive=True)
            return [one for one in below if _holds_models(one)]
        return []

    def child(self) -> psutil.Process:
        """The only child, once there is one."""
        found: list[psutil.Process] = []

        def alone() -> bool:
            found[:] = self.children()  # a second look might find it dead
            return len(found) == 1

        until(alone, 20, "the worker has a child")
        return found[0]

    def ready(self) -> bool:
        """True when this worker's row says that its models are loaded."""
        return any(one["id"] == self.id and one["ready"] for one in self.deployment.workers())

    def wait_ready(self, seconds: float = 30) -> "Worker":
        """Return once the models are loaded."""
        until(self.ready, seconds, lambda: f"the worker is ready; its log: {self.tail()}")
        return self

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def alive(self) -> bool:
        """True while the parent runs."""
        return self.process.poll() is None

    def family(self) -> list[psutil.Process]:
        """Parent and all below it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def freeze(self) -> None:
        """SIGSTOP to parent and children: as when a machine is cut off."""
        for one in self.family():
            one.suspend()

    def thaw(self) -> None:
        """SIGCONT to parent and children."""
        for one in reversed(self.family()):
            one.resume()

    def kill(self) -> None:
        """Kill -9 the parent; its children end by themselves."""
        below = self.family()
        self.process.kill()
        self.process.wait(10)
        _gone, alive = psutil.wait_procs(below, 10)
        assert not alive, f"left over by a killed worker: {alive}"

    def stop(self, number: int = signal.SIGINT, seconds: float = 20) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def close(self) -> None:
        """Kill all that is left."""
        for one in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait(10)
        assert self.process.stdin is not None
        self.process.stdin.close()


def _worker_command(settings: Settings, lanes: tuple[str, ...], boot: str) -> list[str]:
    if settings.embedded:
        return [sys.executable, "-m", "worker.embedded"]
    queues = ",".join(lane_queue(lane).name for lane in lanes)
    quiet = [*QUIET, "-n", f"{boot}@%h"]
    return [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "-Q", queues, *quiet]


def _holds_models(process: psutil.Process) -> bool:
    try:
        return any("spawn_main" in word for word in process.cmdline())
    except psutil.Error:
        return False
