"""Speech packed into windows of 30 s, which is what Whisper hears at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from faster_whisper.vad import collect_chunks

from worker.engines import Span
from worker.vad import WINDOW


@dataclass(frozen=True)
class Window:
    """Up to 30 s of speech; `offset` and `duration` are seconds of the speech alone, silences left out."""

    sound: np.ndarray
    offset: float
    duration: float

    @property
    def frame(self) -> int:
        """Frames of 10 ms before it, whole."""
        return int(self.offset * 100)

    @property
    def shift(self) -> float:
        """Seconds that a time counted from its frame lacks."""
        return self.offset - self.frame / 100


def windows(samples: np.ndarray, spans: Sequence[Span]) -> list[Window]:
    """The spans of `samples`, in order, packed into as few windows as they fill."""
    chunks = [{"start": start, "end": end} for start, end in spans]
    sounds, places = collect_chunks(samples, chunks, max_duration=WINDOW)
    return [
        Window(sound, place["offset"], place["duration"])
        for sound, place in zip(sounds, places, strict=True)
        if len(sound)
    ]


def batched(found: Sequence[Window], most: int, at_once: int, soon: bool) -> list[Sequence[Window]]:
    """The windows in order in batches of at most `most`, as many as are decoded at once or a multiple of that.

    Batches are of nearly one size, so that all end together; with `soon` the first window is one by itself.
    """
    first, rest = (found[:1], found[1:]) if soon else ([], found)
    count = min(len(rest), ceil(ceil(len(rest) / most) / at_once) * at_once)
    edges = [len(rest) * n // count for n in range(count + 1)] if count else []
    return [one for one in (first, *(rest[start:end] for start, end in pairwise(edges))) if one]
