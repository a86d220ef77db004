"""What was said and when: words, segments, and the transcript they make."""

from dataclasses import dataclass, field
from typing import Any, Literal

from speech.coverage import Coverage

# Where a time is from: the engine that heard or spoke the word, an aligner, its timed neighbours, or, for a
# syllable, its share of the word.
TimeSource = Literal["engine", "aligned", "interpolated", "split"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word; `start` and `end` are seconds from the recording's start."""

    word: str  # with its leading space where the language writes one
    start: float
    end: float
    probability: float
    time_source: TimeSource = "engine"
    sentence: int | None = None  # counted over the transcript from 0; None: not counted
    reading: str = ""  # of a spoken text: what is said for it


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech as the engine gave it; `start` and `end` in seconds."""

    id: int
    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = ()
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0
    words: tuple[Word, ...] = ()
    speaker: str | None = None  # a label such as "A"; None: nobody told speakers apart
    flags: tuple[str, ...] = ()  # why to look twice: see worker/doubts.py


@dataclass(frozen=True)
class Repair:
    """Words that were written as a name is that they sound like; `distance` of the sounds, 0 to 1."""

    heard: str
    written: str
    start: float
    end: float
    distance: float


@dataclass(frozen=True)
class Transcript:
    """The whole of a recording's words, and how they were found."""

    text: str
    language: str  # ISO 639-1
    language_probability: float
    duration: float  # seconds of decoded audio
    segments: tuple[Segment, ...]
    task: str = "transcribe"  # or "translate"
    engine: dict[str, Any] = field(default_factory=dict)  # name, model, settings
    coverage: Coverage | None = None  # None: nobody looked for speech that was passed over
    repairs: tuple[Repair, ...] = ()
