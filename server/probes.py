"""Round trips to store, storage and broker, measured in the background so that /health never waits for them."""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from speech import queries
from speech.errors import SpeechError
from speech.queue import Bells
from speech.storage import Storage
from speech.store import JobStore

FRESH = 5.0  # seconds
FIRST_LOOK = 1.0  # seconds that the first callers may wait

T = TypeVar("T")
Workers = list[dict[str, Any]]


class Probe(Generic[T]):
    """One measured thing: `measure` runs in a thread of its own; `none` stands for no answer."""

    def __init__(self, measure: Callable[[], T], none: T) -> None:
        self._measure, self._none = measure, none
        self._lock = threading.Lock()
        self._first = threading.Event()
        self._value = none
        self._began = self._ended = float("-inf")  # of the last look, monotonic

    def read(self) -> T:
        """The last look, renewed beside this call when it is old; `none` while a look hangs."""
        now = time.monotonic()
        with self._lock:
            due = self._ended >= self._began and now - self._ended > FRESH
            if due:
                self._began = now
        if due:
            threading.Thread(target=self._look, name="probe", daemon=True).start()
        if not self._first.wait(FIRST_LOOK):
            self._first.set()  # one caller has waited; the others need not
        hangs = self._ended < self._began < time.monotonic() - FRESH
        return self._none if hangs else self._value

    def _look(self) -> None:
        try:
            self._value = self._measure()
        except SpeechError:
            self._value = self._none
        finally:
            self._ended = time.monotonic()
            self._first.set()


class Probes:
    """What /health and /ready tell of the parts; times in milliseconds, None where there is no answer."""

    def __init__(self, store: JobStore, storage: Storage, bells: Bells) -> None:
        self._store = store
        nobody: tuple[float | None, Workers] = (None, [])
        self.store = Probe(self.look_at_store, nobody)
        self.storage: Probe[float | None] = Probe(lambda: _ms(storage.probe()), None)
        self.broker: Probe[float | None] = Probe(lambda: _ms(bells.probe()), None)
        self.dead: Probe[int | None] = Probe(bells.dead, None)

    def look_at_store(self) -> tuple[float | None, Workers]:
        """A round trip to the store now, and the live workers that it knows of."""
        begun = time.perf_counter()
        try:
            with self._store.db.read() as connection:
                workers = queries.live_workers(connection, self._store.db.now(connection))
        except SpeechError:
            return None, []
        return _ms(time.perf_counter() - begun), workers


def gpu_memory(workers: Workers, name: str) -> dict[str, int]:
    """Bytes `used` or in `total` by host; the workers of one host share its cards."""
    by_host: dict[str, int] = {}
    for worker in workers:
        for told in worker["details"].values():
            if size := told.get(f"gpu_memory_{name}"):
                host = worker["id"].partition("/")[0]
                by_host[host] = max(size, by_host.get(host, 0))
    return by_host


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
