"""Models that change while a worker runs: looked for and fetched beside the work, loaded between two attempts.

A lane whose models can change has an entry in NEWER (worker/registry.py).
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from speech.settings import Settings
from worker.registry import NEWER

LONGEST = 4  # doublings of the time between looks, after failures

log = logging.getLogger(__name__)


class Reload:
    """Replaces entries of `models` (by lane) with newer ones; only `swap` does, and the worker decides when."""

    def __init__(self, settings: Settings, models: dict[str, Any]) -> None:
        self.problems: dict[str, str] = {}  # by lane: why the newest models are not loaded
        self._settings, self._models = settings, models
        self._loads: dict[str, Callable[[], Any]] = {}  # by lane: loads what has been fetched
        self._wake = threading.Event()
        self._failures = 0
        self._news = False  # for the worker's row

    def start(self) -> "Reload":
        """Begin to look; not at all where the settings say never."""
        if self._settings.reload_seconds:
            threading.Thread(target=self._run, name="reload", daemon=True).start()
        return self

    def swap(self) -> bool:
        """Between two attempts: load what is ready; True when there is something to tell.

        Models that do not load are a problem, and the old ones stay.
        """
        if any(getattr(held, "behind", False) for held in self._models.values()):
            self._wake.set()
        for lane in [*self._loads]:
            self._load(lane)
        news, self._news = self._news, False
        return news

    def look(self) -> None:
        """Fetch what is newer; `swap` loads it."""
        for lane, held in [*self._models.items()]:
            try:
                load = NEWER[lane](self._settings, held) if lane in NEWER else None
            except Exception as error:  # the lane works on with what it has
                self._failed(lane, error)
                continue
            if load:
                self._loads[lane] = load
            else:
                self._well(lane)

    def _load(self, lane: str) -> None:
        load = self._loads.pop(lane)
        try:
            self._models[lane] = load()
        except Exception as error:  # as above
            self._failed(lane, error)
            return
        log.info("%s: newer models are loaded", lane)
        self._well(lane)
        self._news = True

    def _failed(self, lane: str, error: Exception) -> None:
        self._failures += 1
        problem = f"{type(error).__name__}: {error}"
        if self.problems.get(lane) != problem:
            log.error("%s: the models stay as they are: %s", lane, problem)
            self._news = True
        self.problems[lane] = problem

    def _well(self, lane: str) -> None:
        self._failures = 0
        self._news = self.problems.pop(lane, None) is not None or self._news

    def _run(self) -> None:
        while True:
            self._wake.wait(self._settings.reload_seconds * 2 ** min(self._failures, LONGEST))
            self._wake.clear()
            self.look()
