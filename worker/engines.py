"""Transcription engines: the door that each one goes through, and the table of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from speech.settings import Settings
from speech.transcript import Segment

Task = Literal["transcribe", "translate"]
Span = tuple[int, int]  # [start, end) in samples


@dataclass(frozen=True)
class TranscribeOptions:
    """How to listen; the names are faster-whisper's."""

    language: str | None = None  # Whisper's code; None: detect it
    task: Task = "transcribe"
    prompt: str | None = None  # text that came before, or the words and style to expect
    temperature: float | None = None  # None or 0: 0 first, then rising where decoding fails
    word_timestamps: bool = True
    beam_size: int = 5
    vad_filter: bool = True  # leave out what is not speech before listening
    hotwords: str | None = None
    vad_parameters: dict[str, float] = field(default_factory=dict)  # see worker/vad.py
    # Windows decoded together (true), or one after the other with Whisper's own times; None: by the length.
    without_timestamps: bool | None = None
    no_speech_threshold: float | None = 0.6  # None: take whatever the decoder hears
    languages: tuple[str, ...] = ()  # detection chooses among these; empty: all
    language_detection_threshold: float = 0.5  # less sure than this, more of the recording is asked
    diarization: bool = False  # name the speaker of each segment; only plug-in engines do
    confidence_threshold: float = 0.0  # of a segment's words on average; under it, it is flagged
    soon: bool = True  # the first words before the others; where nobody follows, that only costs


@dataclass(frozen=True)
class Detected:
    """The language that is spoken."""

    language: str  # Whisper's code, or "und" where nobody speaks
    probability: float


class Transcriber(Protocol):
    """A loaded engine; samples are float32 in [-1, 1], 16 kHz, shape (n,)."""

    def speech(self, samples: np.ndarray, options: TranscribeOptions) -> list[Span]:
        """Where somebody speaks, in order, whatever `options.vad_filter` says."""

    def detect(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[Span]
    ) -> Detected:
        """The language of `samples`, from what is said first."""

    def transcribe(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[Span]
    ) -> tuple[Detected, Iterator[Segment]]:
        """What is said in `samples`: the language, and segments in order of time as they are decoded.

        Only `speech` is listened to, unless `options.vad_filter` is false.
        """

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
