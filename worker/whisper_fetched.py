"""A Whisper model whose weights are in a bucket: fetched, loaded, and loaded anew when the bucket has others."""

import logging
from collections.abc import Callable

from speech.errors import Internal
from speech.settings import Settings
from worker import whisper_bucket
from worker.whisper import Whisper, devices
from worker.whisper_bucket import Weights

log = logging.getLogger(__name__)


def load_fetched(settings: Settings, weights: Weights | None = None) -> Whisper:
    """These weights, or the best that settings.whisper_model (gs://…) has, loaded and warmed up.

    What does not load on the CPU is fetched again once; what a GPU does not load may be its fault. Raises
    Internal("whisper_bucket_broken"), and what worker/whisper_bucket.py raises.
    """
    weights = weights or whisper_bucket.best(settings)
    try:
        return _load(weights, settings)
    except (RuntimeError, ValueError) as error:
        if devices(settings)[-1][0] != "cpu":
            raise
        log.warning("Whisper does not load (%s); its files are fetched again", error)
    try:
        return _load(weights, settings, again=True)
    except (RuntimeError, ValueError) as error:
        raise Internal("whisper_bucket_broken", url=weights.url, reason=str(error)) from error


def newer(settings: Settings, engine: Whisper) -> Callable[[], Whisper] | None:
    """Fetches weights that are newer than the engine's; what then loads them, or None when there are none.

    Both models are in memory until the newer one has loaded. Raises what load_fetched raises.
    """
    weights = whisper_bucket.newest(settings)
    if weights.version == engine.version:
        return None
    if weights.version in engine.refused:
        raise engine.refused[weights.version]
    whisper_bucket.hold(weights, settings)
    return lambda: _replaced(engine, weights, settings)


def _replaced(engine: Whisper, weights: Weights, settings: Settings) -> Whisper:
    try:
        return load_fetched(settings, weights)
    except Internal as error:  # the same files would not load the next time either
        engine.refused[weights.version] = error
        raise


def _load(weights: Weights, settings: Settings, again: bool = False) -> Whisper:
    held = whisper_bucket.hold(weights, settings, again)
    engine = Whisper.from_folder(held.folder, settings)
    engine.held, engine.version = held, weights.version
    engine.name = weights.url.rpartition("/")[2]  # clients need not know the bucket
    return engine
