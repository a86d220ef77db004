"""Progress on its way to the store: at most a few writes a second, and none of it worth failing for."""

import time
from typing import Any

from speech.errors import Unavailable
from speech.jobs import Job
from speech.store import JobStore

AT_MOST_EVERY = 0.25  # seconds


class Progress:
    """Collects an attempt's progress and pieces, and writes them now and then."""

    def __init__(self, store: JobStore, job: Job) -> None:
        self._store = store
        self._job = job
        self._fraction = 0.0
        self._step = "starting"
        self._new: list[tuple[int, Any]] = []
        self._count = 0
        self._written = 0.0

    def set(self, fraction: float, step: str) -> None:
        """The work is this far; a fraction never goes back within a step."""
        turned = step != self._step
        self._fraction, self._step = min(1.0, max(0.0, fraction)), step
        if turned or time.monotonic() - self._written > AT_MOST_EVERY:
            self.flush()

    def add(self, data: dict[str, Any]) -> None:
        """A sentence or segment is ready; whoever listens hears of it soon."""
        self._new.append((self._count, data))
        self._count += 1
        if time.monotonic() - self._written > AT_MOST_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what is not written yet. Raises LeaseLost."""
        self._written = time.monotonic()
        try:
            self._store.report(self._job, self._fraction, self._step, self._new)
        except Unavailable:
            return  # the pieces stay here for the next time
        self._new = []
