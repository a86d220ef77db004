"""Word times from a network of their own: the door that each aligner goes through, and the table of them.

Without one the words keep the times that the engine heard them at.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from speech.media import RATE
from speech.settings import Settings
from speech.transcript import Segment, TimeSource, Word
from speech.words import Span, interpolate
from worker.ctc import align
from worker.engines import Detected, TranscribeOptions, Transcriber

AROUND = 0.2  # seconds of sound before and after a segment that belong to it
WORD_BORDER = "|"


class Network(Protocol):
    """A CTC network over characters."""

    vocabulary: dict[str, int]
    blank: int
    frame: float  # seconds

    def log_probs(self, samples: np.ndarray) -> np.ndarray:
        """Log probabilities of `samples` (float32, 16 kHz): shape (frames, vocabulary)."""

    def describe(self) -> dict[str, Any]:
        """Name and model, for transcripts."""


class Aligned:
    """A transcriber whose words have their times from a network; all else is the transcriber's own."""

    def __init__(self, engine: Transcriber, network: Network) -> None:
        self._engine, self._network = engine, network

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def transcribe(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[tuple[int, int]]
    ) -> tuple[Detected, Iterator[Segment]]:
        """As the transcriber's own, each segment aligned as it comes; a translation has no sound to align."""
        detected, segments = self._engine.transcribe(samples, options, speech)
        if options.task == "translate":
            return detected, segments
        return detected, (timed(segment, samples, self._network) for segment in segments)

    def describe(self) -> dict[str, Any]:
        """What runs here, the aligner too."""
        return self._engine.describe() | {"aligner": self._network.describe()}


def timed(segment: Segment, samples: np.ndarray, network: Network) -> Segment:
    """The segment with its words' times from the network.

    Words that it cannot spell, such as digits, are interpolated and marked. Where those are more than half, or the
    text does not fit into the sound, the segment stays as it is.
    """
    spelled = [_tokens(word.word, network.vocabulary) for word in segment.words]
    if 2 * sum(map(bool, spelled)) < len(spelled):
        return segment
    start = max(0.0, segment.start - AROUND)
    sound = samples[round(start * RATE) : round((segment.end + AROUND) * RATE)]
    times = _times(network, sound, spelled, start)
    if times is None:
        return segment
    texts = [word.word for word in segment.words]
    found = interpolate(texts, times, (segment.start, segment.end))
    words = (_at(word, *time) for word, time in zip(segment.words, found, strict=True))
    return replace(segment, words=tuple(words))


def _times(
    network: Network, sound: np.ndarray, spelled: Sequence[list[int]], start: float
) -> list[Span | None] | None:
    """Seconds of each word from the recording's start, None where the network cannot spell it."""
    border = network.vocabulary.get(WORD_BORDER)
    tokens: list[int] = []
    places: list[tuple[int, int] | None] = []
    for word in spelled:
        if word and tokens and border is not None:
            tokens.append(border)
        places.append((len(tokens), len(tokens) + len(word)) if word else None)
        tokens += word
    frames = align(network.log_probs(sound), tokens, network.blank) if len(sound) else None
    if frames is None:
        return None
    return [
        place
        and (
            round(start + frames[place[0]][0] * network.frame, 3),
            round(start + frames[place[1] - 1][1] * network.frame, 3),
        )
        for place in places
    ]


def _tokens(word: str, vocabulary: dict[str, int]) -> list[int]:
    """A word in the network's characters, syllables or jamo; [] when it has one that is not among them."""
    found = [_spelling(letter, vocabulary) for letter in word if letter.isalnum()]
    return [token for spelling in found for token in spelling] if all(found) else []


def _spelling(letter: str, vocabulary: dict[str, int]) -> list[int]:
    for one in (letter, letter.lower(), letter.upper(), unicodedata.normalize("NFD", letter)):
        places = [vocabulary.get(character) for character in one]
        if None not in places:
            return [place for place in places if place is not None]
    return []


def _at(word: Word, start: float, end: float, between: bool) -> Word:
    source: TimeSource = "interpolated" if between else "aligned"
    return replace(word, start=start, end=end, time_source=source)


def _wav2vec2(settings: Settings) -> Network:
    from worker.wav2vec2 import Wav2Vec2  # needs packages that only this asks for

    return Wav2Vec2.load(settings.alignment_model)


ALIGNERS: dict[str, Callable[[Settings], Network]] = {"wav2vec2": _wav2vec2}


def with_times(engine: Transcriber, settings: Settings) -> Transcriber:
    """The engine, its words timed by the aligner that the settings name. Raises ValueError with the known names."""
    if not settings.alignment_model:
        return engine
    if settings.aligner not in ALIGNERS:
        raise ValueError(f"MOKSORI_ALIGNER={settings.aligner!r} is none of {', '.join(ALIGNERS)}")
    return Aligned(engine, ALIGNERS[settings.aligner](settings))
