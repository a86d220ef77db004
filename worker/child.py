"""The process that holds models and runs jobs; a dispatcher or Celery's pool is its parent."""

import contextlib
import logging
import os
import socket
import time
import zlib
from pathlib import Path
from typing import Any

import psutil

from speech import ledger
from speech.errors import Unavailable
from speech.queue import Bells, open_bells
from speech.settings import Settings
from speech.storage import open_storage
from speech.store import JobStore
from speech.voices import Voices
from worker.registry import DETAILS, LOADERS, import_plugins
from worker.reload import Reload
from worker.run import Runner
from worker.state import write_state

log = logging.getLogger(__name__)

BROKEN = 4  # exit code of a child, and then of its worker, whose models do not load


def host_name(settings: Settings) -> str:
    """This host (in embedded mode: this data folder on it), without a slash."""
    name = socket.gethostname().replace("/", "-")
    if not settings.embedded:
        return name
    return f"{name}-{zlib.crc32(str(settings.data).encode()):08x}"


class Child:
    """A runner with its models loaded, and the file that tells its parent how it is."""

    def __init__(self, settings: Settings, lanes: list[str], worker: str, state: Path) -> None:
        self.settings = settings
        self.lanes = lanes
        self.worker = worker  # host/boot
        self.state = state
        self.bells: Bells = open_bells(settings)
        self.store = JobStore.from_settings(settings, self.bells, durable=False)
        self._noted = ""  # the stamp of the voices in the ledger
        self.holder = f"{worker}/{'+'.join(lanes)}-{os.getpid()}"

    def load(self) -> "Child":
        """Load the lanes' models, and say so. Raises whatever a loader raises."""
        began = time.monotonic()
        import_plugins(self.settings)
        models = {lane: LOADERS[lane](self.settings) for lane in self.lanes}
        self.runner = Runner(
            self.store, open_storage(self.settings), self.settings, models, self.holder
        )
        self.load_seconds = round(time.monotonic() - began, 2)
        self.reload = Reload(self.settings, models).start()
        self.note_voices()
        self.tell()
        return self

    def run_next(self, lane: str) -> bool:
        """Answer one bell; newer models are taken before and after it."""
        if self.reload.swap():
            self.tell()
        self.note_voices()
        ran = self.runner.run_next(lane)
        if self.reload.swap() or ran:
            self.tell()
        return ran

    def note_voices(self) -> None:
        """Write the voices that this child speaks with into the ledger; again when they are others."""
        voices = getattr(self.runner.models.get("speech"), "voices", None)
        if not isinstance(voices, Voices) or voices.stamp == self._noted:
            return
        with contextlib.suppress(Unavailable), self.store.writing() as tx:
            ledger.record(tx, voices)
            self._noted = voices.stamp

    def tell(self) -> None:
        """Write how this child is, for the parent's row in the store."""
        not_taken = dict(self.reload.problems)
        how: dict[str, Any] = {"load_seconds": self.load_seconds, "not_taken": not_taken}
        for lane, held in self.runner.models.items():
            how |= DETAILS[lane](held) if lane in DETAILS else {}
        how |= {
            "pid": os.getpid(),
            "memory_bytes": psutil.Process().memory_info().rss,
            "response_time_ms": self.runner.response_ms,
        }
        write_state(self.state, {"ready": True, **how})
