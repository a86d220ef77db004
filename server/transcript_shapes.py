"""What the routes under /v1/transcripts answer, for openapi.json."""

from typing import Any, Literal

from server.shapes import Shape


class CueShape(Shape):
    """A subtitle cue; `first` and `last` are the ids of its words, `breaks` the rules it does not keep."""

    id: str
    first: int
    last: int
    start: float
    end: float
    text: str
    lines: list[str]
    line_lengths: list[float]
    characters_per_second: float
    breaks: list[str]


class CuesShape(Shape):
    """A transcript's cues, the rules they follow, and how they read."""

    id: str
    object: Literal["cues"]
    version: int
    language: str
    duration: float
    preset: str
    rules: dict[str, Any]
    report: dict[str, Any]
    cues: list[CueShape]


class SentenceShape(Shape):
    """A sentence, the ids of its words, and why to look at it twice (docs/transcription.md)."""

    id: int
    first: int
    last: int
    start: float
    end: float
    text: str
    speaker: str | None
    flags: list[str]


class SyllableShape(Shape):
    """A syllable; its time is its share of the word's."""

    text: str
    start: float
    end: float
    time_source: Literal["split"]


class PlacedWordShape(Shape):
    """A word; `first` and `last` are the ids of the words as heard that it stands for."""

    first: int
    last: int
    word: str
    start: float
    end: float
    probability: float
    sentence: int | None
    time_source: Literal["engine", "aligned", "interpolated"]
    speaker: str | None
    syllables: list[SyllableShape] | None = None


class TrackShape(Shape):
    """Subtitles behind a link that needs no headers."""

    format: str
    url: str
    url_expires_at: str


class RepairShape(Shape):
    """Words that were written as a name is that they sound like."""

    heard: str
    written: str
    start: float
    end: float
    distance: float


class TranscriptPageShape(Shape):
    """A transcript for a page beside a player; times in seconds, `version` counts its corrections."""

    id: str
    object: Literal["transcript"]
    version: int
    language: str
    language_probability: float
    task: str
    duration: float
    engine: dict[str, Any]
    coverage: dict[str, Any] | None
    repairs: list[RepairShape]
    text: str
    speakers: list[str]
    sentences: list[SentenceShape]
    cues: list[CueShape]
    words: list[PlacedWordShape]
    tracks: list[TrackShape]


class ProblemShape(Shape):
    """A fault of a subtitle file; `cue` is its place from 1, null for what is no cue."""

    line: int
    cue: int | None
    rule: str
    found: float | str | None
    allowed: float | None
    message: str


class LintShape(Shape):
    """A subtitle file against the rules; `more` counts the problems that are not listed."""

    object: Literal["lint"]
    format: Literal["srt", "vtt"]
    ok: bool
    preset: str
    rules: dict[str, Any]
    report: dict[str, Any]
    problems: list[ProblemShape]
    more: int
