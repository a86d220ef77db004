"""Progress on its way to the store: at most a few writes a second, and none of it worth failing for."""

import threading
import time
from typing import Any

from speech.errors import Unavailable
from speech.jobs import Job
from speech.store import JobStore

AT_MOST_EVERY = 0.25  # seconds; a job that is quicker than this writes only its result


class Progress:
    """Collects an attempt's progress and pieces, and writes them now and then.

    The attempt's side thread calls `beat`, so that nothing waits for the engine's next word.
    """

    def __init__(self, store: JobStore, job: Job) -> None:
        self._store = store
        self._job = job
        self._fraction = 0.0
        self._step = "starting"
        self._new: list[tuple[int, Any]] = []
        self._count = 0
        self._changed = False
        self._written = time.monotonic()
        self._lock = threading.Lock()

    def set(self, fraction: float, step: str) -> None:
        """The work is this far; a fraction never goes back within a step."""
        with self._lock:
            self._fraction, self._step = min(1.0, max(0.0, fraction)), step
            self._changed = True
        self.beat()

    def add(self, data: dict[str, Any]) -> None:
        """A sentence or segment is ready; whoever listens hears of it soon."""
        with self._lock:
            self._new.append((self._count, data))
            self._count += 1
            self._changed = True
        self.beat()

    def beat(self) -> None:
        """Write what is new, if the last write is a while ago. Raises LeaseLost."""
        if self._changed and time.monotonic() - self._written > AT_MOST_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what is not written yet. Raises LeaseLost."""
        with self._lock:
            self._written = time.monotonic()
            try:
                self._store.report(self._job, self._fraction, self._step, self._new)
            except Unavailable:
                return  # the pieces stay here for the next time
            self._new, self._changed = [], False

    def rest(self) -> list[tuple[int, Any]]:
        """The pieces that are not written yet, for the commit to take along; nothing is written after it."""
        with self._lock:
            self._changed = False
            return self._new
