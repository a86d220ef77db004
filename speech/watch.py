"""Waiting for jobs to change: one listener in a process, any number of threads that wait."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from speech.queue import Bells


class Watch:
    """Wakes threads that wait for a job; holds no database connection while they do."""

    def __init__(self, bells: Bells) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = defaultdict(set)
        self._stop = bells.listen(self._heard)

    @contextmanager
    def on(self, job_id: str) -> Iterator[threading.Event]:
        """An event that is set whenever the job may have changed.

        Register first, read the row, then wait, and read the row again now and then: an event is a hint.
        """
        changed = threading.Event()
        with self._lock:
            self._waiting[job_id].add(changed)
        try:
            yield changed
        finally:
            with self._lock:
                self._waiting[job_id].discard(changed)
                if not self._waiting[job_id]:
                    del self._waiting[job_id]

    def _heard(self, job_id: str, seq: int) -> None:
        with self._lock:
            for changed in self._waiting.get(job_id, ()):
                changed.set()

    def close(self) -> None:
        """Stop listening."""
        self._stop()
