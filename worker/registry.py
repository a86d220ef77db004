"""What a lane needs: how its models load, and what runs its jobs. One entry a lane; a plug-in may replace one."""

import importlib
from collections.abc import Callable
from typing import Any

from speech.settings import Settings
from worker.attempt import Attempt, Done, Split


def _load_speech(settings: Settings) -> Any:
    from worker.speak import load_speech_models  # a transcription worker never imports the voices

    return load_speech_models(settings)


def _load_transcription(settings: Settings) -> Any:
    from worker.transcribe import load_transcription_models  # and a speech worker never Whisper

    return load_transcription_models(settings)


def _speak(attempt: Attempt) -> Done | Split:
    from worker.speak import speak

    return speak(attempt)


def _describe_speech(models: Any) -> dict[str, Any]:
    from worker.speaker import Speaker, describe

    return describe(models) if isinstance(models, Speaker) else {}  # a plug-in may load its own


def _describe_transcription(models: Any) -> dict[str, Any]:
    return models.describe() if hasattr(models, "describe") else {}


def _newer_speech(settings: Settings, models: Any) -> Callable[[], Any] | None:
    from worker.new_voices import newer
    from worker.speaker import Speaker

    return newer(settings, models) if isinstance(models, Speaker) else None


def _newer_transcription(settings: Settings, models: Any) -> Callable[[], Any] | None:
    from worker.whisper import Whisper

    if not isinstance(models, Whisper) or models.held is None:
        return None
    from worker.whisper_fetched import newer  # what is in a folder stays what it is

    return newer(settings, models)


def _transcribe(attempt: Attempt) -> Done | Split:
    from worker.check import check
    from worker.transcribe import transcribe

    return check(attempt) if attempt.job.kind == "check" else transcribe(attempt)


LOADERS: dict[str, Callable[[Settings], Any]] = {
    "speech": _load_speech,
    "transcription": _load_transcription,
}
HANDLERS: dict[str, Callable[[Attempt], Done | Split]] = {
    "speech": _speak,
    "transcription": _transcribe,
}
# What the models of a lane say of themselves, for the worker's row in the store.
DETAILS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "speech": _describe_speech,
    "transcription": _describe_transcription,
}
# What is to be called for newer models of a lane, fetched already, or None; asked beside the work.
NEWER: dict[str, Callable[[Settings, Any], Callable[[], Any] | None]] = {
    "speech": _newer_speech,
    "transcription": _newer_transcription,
}


def import_plugins(settings: Settings) -> None:
    """Import the modules that MOKSORI_PLUGINS names; they may change the tables above."""
    for name in filter(None, (part.strip() for part in settings.plugins.split(","))):
        importlib.import_module(name)
