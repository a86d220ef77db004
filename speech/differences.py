"""How far what was heard is from what was to be said, letter by letter (jamo), after the sound rules."""

import unicodedata
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein, Opcodes

Run = tuple[int, int, int, int]  # [start, end) of what was to be said, and of what was heard


@dataclass(frozen=True)
class Differences:
    """`error_rate` is edits for each letter to be said; `longest` counts the letters of the longest wrong run."""

    error_rate: float
    longest: int
    said: str  # in that run
    heard: str


def compare(said: str, heard: str) -> Differences:
    """Two readings in Hangul; spaces and punctuation are no sound. Raises ValueError when nothing was to be said."""
    wanted, found = _letters(said), _letters(heard)
    if not wanted:
        raise ValueError("there was nothing to be said")
    edits = Levenshtein.distance(wanted, found)
    runs = _joined(Levenshtein.opcodes(wanted, found))
    longest = max(runs, key=_length, default=(0, 0, 0, 0))
    return Differences(
        round(edits / len(wanted), 4),
        _length(longest),
        _shown(wanted[longest[0] : longest[1]]),
        _shown(found[longest[2] : longest[3]]),
    )


def _joined(operations: Opcodes) -> list[Run]:
    """Edits next to one another as one run."""
    runs: list[Run] = []
    for one in operations:
        if one.tag == "equal":
            continue
        start, end, begin, stop = one.src_start, one.src_end, one.dest_start, one.dest_end
        if runs and (runs[-1][1], runs[-1][3]) == (start, begin):
            start, begin = runs[-1][0], runs[-1][2]
            runs.pop()
        runs.append((start, end, begin, stop))
    return runs


def _length(run: Run) -> int:
    return max(run[1] - run[0], run[3] - run[2])


def _letters(text: str) -> str:
    syllables = "".join(letter for letter in text if "가" <= letter <= "힣")
    return unicodedata.normalize("NFD", syllables)


def _shown(letters: str) -> str:
    return unicodedata.normalize("NFC", letters)
