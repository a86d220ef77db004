"""Where a long recording is cut into parts: at its quietest places near even distances."""

from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from speech.media import RATE, samples

SEARCH = 6.0  # seconds on either side of an even cut in which a quiet place is looked for
FRAME = RATE // 50  # 20 ms
QUIET = 15  # frames, 0.3 s, that are to be quiet together
HALVED = 4  # parts at the end, at most, that are cut in two
SHORTEST = 60.0  # seconds; shorter parts cost words (docs/performance.md)


def cut(path: Path, total: int, aim: float) -> list[tuple[int, int]]:
    """Spans [start, end) in samples that cover all `total` samples of a decoded file, each about `aim` seconds.

    A file up to one and a half times `aim` stays in one piece. Of three parts and more the last third is halved, and
    of those halves the last half once more: who hears the last one keeps the others waiting, and no two parts take
    the same time.
    """
    count = 1 if total <= 1.5 * aim * RATE else max(2, round(total / (aim * RATE)))
    part = total / count
    halved = min(HALVED, (count + 1) // 3) if count > 2 else 0
    quartered = (halved + 1) // 2 if part >= 4 * SHORTEST * RATE else 0
    shares = [1.0] * (count - halved) + [1 / 2] * 2 * (halved - quartered) + [1 / 4] * 4 * quartered
    reach = round(min(SEARCH * RATE, part * shares[-1] / 4))  # cuts keep their order
    places = [round(part * place) for place in accumulate(shares[:-1])]
    return list(pairwise([0, *(_quietest(path, place, reach) for place in places), total]))


def _quietest(path: Path, middle: int, reach: int) -> int:
    """The middle of the quietest stretch within `reach` of `middle`, in samples."""
    start = middle - reach
    window = samples(path, start, middle + reach)
    frames = window[: len(window) // FRAME * FRAME].reshape(-1, FRAME)
    if len(frames) < QUIET:
        return middle
    loudness = np.convolve(np.square(frames).mean(1), np.ones(QUIET), "valid")
    return start + (int(loudness.argmin()) * 2 + QUIET) * FRAME // 2
