"""The programs that `moksori serve` keeps running: the server, and the workers of this mode."""

import os
import subprocess
import sys
from dataclasses import dataclass, field

from speech.settings import Settings

# Celery's workers tell each other nothing: it would take rights at the broker, and the store knows them all.
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass
class Program:
    """One process that is kept running."""

    name: str
    command: list[str]
    worker: bool
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    boot: str = ""
    born: float = 0.0
    pause: float = 0.2

    def close_pipe(self) -> None:
        """Let go of the pipe whose end tells the process that nobody watches it any more."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.close()


def programs(settings: Settings) -> list[Program]:
    """The server, and the workers of this mode."""
    python = sys.executable
    server = [python, "-m", "gunicorn", "-c", "python:server.gunicorn", "server.wsgi:app"]
    found = [Program("server", server, worker=False)]
    if settings.embedded:
        return [*found, Program("worker", [python, "-m", "worker.embedded"], worker=True)]
    from speech.topology import lane_queue  # kombu is not needed on one machine

    for lane in settings.lane_names:
        celery = [python, "-m", "celery", "-A", "worker.app", "worker", "-Q", lane_queue(lane).name]
        quiet = [*QUIET, "-n", f"{lane}-{os.getpid()}@%h"]
        found.append(
            Program(f"{lane} worker", [*celery, *quiet], worker=True, env={"MOKSORI_LANES": lane})
        )
    return found
