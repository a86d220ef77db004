"""A sentence as it is said, and when: what captions are made of."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from speech.korean.reader import Reading
from speech.korean.sentences import Border, Sentence
from speech.transcript import Segment, Word


@dataclass(frozen=True)
class Line:
    """A sentence as the voice will say it; `ids` is empty when nothing in it has a sound."""

    sentence: Sentence
    reading: Reading
    ids: list[int]
    spelled: list[str]  # the symbol of each id
    lacking: tuple[str, ...]  # symbols that the voice does not have
    before: (
        Border | None
    )  # the pause before it: what ended the sentence before, None at the beginning


@dataclass(frozen=True)
class Timing:
    """Where a line stands in the sound, in samples; `letters` are the (start, end) of each symbol but spaces."""

    start: int
    end: int
    letters: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, start: int, length: int, spelled: Iterable[str], edges: np.ndarray) -> "Timing":
        """That of `length` samples from `start`; `edges` are the n + 1 borders of the n symbols in `spelled`."""
        places = [start + int(edge) for edge in edges]
        letters = (
            (places[at], places[at + 1]) for at, letter in enumerate(spelled) if letter != " "
        )
        return cls(start, start + length, tuple(letters))


def caption(line: Line, number: int, timing: Timing, rate: int) -> Segment:
    """The line as the segment of this number."""
    start, end = timing.start / rate, timing.end / rate
    words = tuple(_words(line, timing, rate))
    return Segment(number, start, end, line.reading.text, words=words)


def _words(line: Line, timing: Timing, rate: int) -> Iterable[Word]:
    """The written words with the times of the said words that they became."""
    spans, spoken = _spans(line.spelled, timing), line.reading.reading.split(" ")
    last = timing.start
    for word, first, end in line.reading.words:
        times = [span for span in spans[first:end] if span]
        start, last = (times[0][0], times[-1][1]) if times else (last, last)
        said = " ".join(spoken[first:end])
        yield Word(f" {word}", start / rate, last / rate, 1.0, reading=said)


def _spans(spelled: Iterable[str], timing: Timing) -> list[tuple[int, int] | None]:
    """When each said word is said; None for one without a letter of the voice's."""
    said: list[list[tuple[int, int]]] = [[]]
    letters = iter(timing.letters)
    for letter in spelled:
        if letter == " ":
            said.append([])
        else:
            said[-1].append(next(letters))
    return [(times[0][0], times[-1][1]) if times else None for times in said]
