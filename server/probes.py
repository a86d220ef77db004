"""Round trips to store, storage and broker, measured in the background so that /health never waits for them."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from speech import queries
from speech.errors import SpeechError
from speech.queue import Bells
from speech.storage import Storage
from speech.store import JobStore

FRESH = 5.0  # seconds
FIRST_LOOK = 1.0  # seconds that the very first caller may wait


@dataclass(frozen=True)
class Seen:
    """What one look found; times in milliseconds, None where there was no answer."""

    store_ms: float | None = None
    storage_ms: float | None = None
    broker_ms: float | None = None
    workers: list[dict[str, Any]] = field(default_factory=list)


class Probes:
    """The last look, never much older than five seconds while somebody asks."""

    def __init__(self, store: JobStore, storage: Storage, bells: Bells) -> None:
        self._store, self._storage, self._bells = store, storage, bells
        self._lock = threading.Lock()
        self._first = threading.Event()
        self._looking = False
        self._looked = float("-inf")
        self._seen = Seen()

    def read(self) -> Seen:
        """The last look; one that is too old is renewed beside this call."""
        with self._lock:
            due = not self._looking and time.monotonic() - self._looked > FRESH
            self._looking = self._looking or due
        if due:
            threading.Thread(target=self._renew, name="probes", daemon=True).start()
        self._first.wait(FIRST_LOOK)
        return self._seen

    def _renew(self) -> None:
        try:
            self._seen = self.look()
        finally:
            with self._lock:
                self._looking, self._looked = False, time.monotonic()
            self._first.set()

    def look(self) -> Seen:
        """Measure now."""
        store_ms, workers = self._look_at_store()
        return Seen(store_ms, self._look_at_storage(), _ms(self._bells.probe()), workers)

    def _look_at_store(self) -> tuple[float | None, list[dict[str, Any]]]:
        begun = time.perf_counter()
        try:
            with self._store.db.read() as connection:
                workers = queries.live_workers(connection, self._store.db.now(connection))
        except SpeechError:
            return None, []
        return _ms(time.perf_counter() - begun), workers

    def _look_at_storage(self) -> float | None:
        try:
            return _ms(self._storage.probe())
        except SpeechError:
            return None


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
