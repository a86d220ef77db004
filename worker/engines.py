"""Transcription engines: the door that each one goes through, and the table of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from speech.settings import Settings
from speech.transcript import Segment

Task = Literal["transcribe", "translate"]


@dataclass(frozen=True)
class TranscribeOptions:
    """How to listen; the names and defaults are faster-whisper's."""

    language: str | None = None  # Whisper's code; None: detect it
    task: Task = "transcribe"
    prompt: str | None = None  # text that came before, or the words and style to expect
    temperature: float | None = None  # None or 0: 0 first, then rising to 1 where decoding fails
    word_timestamps: bool = True
    beam_size: int = 5
    vad_filter: bool = True  # leave out what is not speech before listening
    hotwords: str | None = None


@dataclass(frozen=True)
class Detected:
    """The language that is spoken."""

    language: str  # Whisper's code, or "und" where nobody speaks
    probability: float


class Transcriber(Protocol):
    """A loaded engine."""

    def detect(self, samples: np.ndarray, vad_filter: bool = True) -> Detected:
        """The language of `samples` (float32 in [-1, 1], 16 kHz, shape (n,)), from their first speech."""

    def transcribe(
        self, samples: np.ndarray, options: TranscribeOptions
    ) -> tuple[Detected, Iterator[Segment]]:
        """What is said in `samples`: the language, and segments in order of time as they are decoded."""

    def describe(self) -> dict[str, Any]:
        """Name, model, device and compute type, for transcripts and `moksori doctor`."""


def _whisper(settings: Settings) -> Transcriber:
    from worker.whisper import Whisper  # the model libraries are slow to import

    return Whisper.load(settings)


TRANSCRIBERS: dict[str, Callable[[Settings], Transcriber]] = {"whisper": _whisper}


def load_transcriber(settings: Settings) -> Transcriber:
    """The engine that settings.transcription_engine names. Raises ValueError with the known names."""
    if settings.transcription_engine not in TRANSCRIBERS:
        raise ValueError(
            f"MOKSORI_TRANSCRIPTION_ENGINE={settings.transcription_engine!r} "
            f"is none of {', '.join(TRANSCRIBERS)}"
        )
    return TRANSCRIBERS[settings.transcription_engine](settings)
