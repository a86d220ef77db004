"""Where somebody speaks: Silero's detector, which faster-whisper ships (https://github.com/snakers4/silero-vad)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from speech.media import RATE
from worker.engines import Span

WINDOW = 30  # seconds that Whisper hears at once
_DEFAULTS = {"min_silence_duration_ms": 160, "speech_pad_ms": 400}  # of faster-whisper's batches


def speech_in(samples: np.ndarray, parameters: Mapping[str, float]) -> list[Span]:
    """Spans of speech in order, none longer than a window with its padding; the padding is not in them.

    `parameters` are threshold, neg_threshold, min_speech_duration_ms, min_silence_duration_ms and speech_pad_ms.
    """
    if not len(samples):
        return []
    options: dict[str, Any] = _DEFAULTS | dict(parameters)
    options |= {"max_speech_duration_s": WINDOW - 2 * padding(parameters), "speech_pad_ms": 0}
    found = get_speech_timestamps(samples, VadOptions(**options))
    return [(span["start"], min(span["end"], len(samples))) for span in found]


def padding(parameters: Mapping[str, float]) -> float:
    """Seconds that are heard before and after each span of speech."""
    return (_DEFAULTS | dict(parameters))["speech_pad_ms"] / 1000


def padded(spans: Sequence[Span], total: int, seconds: float) -> list[Span]:
    """The spans with `seconds` around each, at most half of what is between two of them."""
    most = round(seconds * RATE)
    gaps = [2 * most, *(after[0] - before[1] for before, after in pairwise(spans)), 2 * most]
    return [
        (max(0, start - min(most, gaps[n] // 2)), min(total, end + min(most, gaps[n + 1] // 2)))
        for n, (start, end) in enumerate(spans)
    ]


def everything(spans: Sequence[Span], total: int) -> list[Span]:
    """Spans that cover all `total` samples, cut in the middle of pauses, none longer than a window."""
    middles = [(before[1] + after[0]) // 2 for before, after in pairwise(spans)]
    edges = [0, *middles, total]
    most = WINDOW * RATE
    cuts = {at for start, end in pairwise(edges) for at in range(start, end, most)}
    return list(pairwise([*sorted(cuts | {0}), total])) if total else []
