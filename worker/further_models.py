"""Models beyond the first: loaded when a request first names one, let go by least use within a memory budget."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from speech.errors import Internal
from speech.settings import Settings
from speech.whisper_names import further_models
from worker.engines import Transcriber
from worker.heap import give_back

log = logging.getLogger(__name__)
Load = Callable[[Settings], Transcriber]


class Shelf:
    """Loaded models by name, the least used first; sizes are those of the model's files."""

    def __init__(
        self, load: Callable[[str], Transcriber], size: Callable[[str], int], budget: int
    ) -> None:
        self._load, self._size, self.budget = load, size, budget
        self._loaded: OrderedDict[str, tuple[Transcriber, int]] = OrderedDict()

    def take(self, model: str) -> Transcriber:
        """The model, loaded now if it is not here. Raises Internal("whisper_over_budget") and what loading raises."""
        if model not in self._loaded:
            self._make_room(model, size := self._size(model))
            self._loaded[model] = (self._load(model), size)
        self._loaded.move_to_end(model)
        return self._loaded[model][0]

    def _make_room(self, model: str, size: int) -> None:
        if size > self.budget:
            raise Internal("whisper_over_budget", model=model, size=size, budget=self.budget)
        while sum(one for _, one in self._loaded.values()) + size > self.budget:
            del self._loaded[gone := self.names[0]]
            log.info("Whisper %s is let go to make room for %s", gone, model)
            give_back()

    @property
    def names(self) -> list[str]:
        """What is loaded, the least used first."""
        return list(self._loaded)


def engine_for(
    first: Transcriber, request: dict[str, Any], settings: Settings, load: Load
) -> Transcriber:
    """The engine that a request's `model` names; `first` is the lane's own."""
    model = further_models(settings).get(request.get("model") or "")
    return first if model is None else _shelf(settings, load).take(model)


@cache
def _shelf(settings: Settings, load: Load) -> Shelf:
    return Shelf(
        lambda model: load(replace(settings, whisper_model=model)),
        lambda model: _size(model, settings),
        settings.whisper_memory_bytes,
    )


def _size(model: str, settings: Settings) -> int:
    """Bytes of a model's files, which are fetched now if they are not here."""
    from worker.whisper_weights import resolve  # only a worker that is asked for one needs it

    return sum(file.stat().st_size for file in resolve(model, settings).iterdir())
