"""Forced alignment: where in the frames of a CTC network each token of a known text stands.

The best path through blanks and tokens, by Viterbi's algorithm over Graves' CTC states (ICML 2006,
https://www.cs.toronto.edu/~graves/icml_2006.pdf).
"""

from collections.abc import Sequence

import numpy as np

Frames = tuple[int, int]  # [start, end)


def align(log_probs: np.ndarray, tokens: Sequence[int], blank: int) -> list[Frames] | None:
    """The frames of each token; None when there are too few frames for them.

    `log_probs` has the shape (frames, vocabulary).
    """
    states = np.full(2 * len(tokens) + 1, blank)
    states[1::2] = tokens
    skips = np.zeros(
        len(states), bool
    )  # a token may follow another without a blank, but not its like
    skips[3::2] = states[3::2] != states[1:-2:2]
    least = len(tokens) + int(np.sum(~skips[3::2]))
    if not tokens or len(log_probs) < least:
        return None
    return _spans(_best_path(log_probs[:, states], skips), len(tokens))


def _best_path(scores: np.ndarray, skips: np.ndarray) -> np.ndarray:
    """The state of each frame on the most probable path; `scores` has the shape (frames, states)."""
    frames, count = scores.shape
    came = np.zeros((frames, count), np.int8)  # how many states back the path was a frame before
    best = np.full(count, -np.inf)
    best[:2] = scores[0, :2]
    for frame in range(1, frames):
        ways = np.stack([best, np.roll(best, 1), np.where(skips, np.roll(best, 2), -np.inf)])
        ways[1, 0] = ways[2, :2] = -np.inf
        came[frame] = ways.argmax(0)
        best = ways.max(0) + scores[frame]
    path = np.zeros(frames, int)
    path[-1] = count - 1 if best[-1] >= best[-2] else count - 2
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = path[frame] - came[frame, path[frame]]
    return path


def _spans(path: np.ndarray, count: int) -> list[Frames]:
    places = [np.flatnonzero(path == 2 * number + 1) for number in range(count)]
    return [(int(some[0]), int(some[-1]) + 1) for some in places]
