"""The lines of a cue: how long a text is, and where it is best broken."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from speech.cue_rules import CueRules

Unit = tuple[str, bool]  # a word without spaces around it, and whether a space comes before it
_MARKS = tuple(",.;:!?…、。，！？")
# What starts no line in Japanese and Chinese (https://www.w3.org/TR/jlreq/#characters_not_starting_a_line).
_NOT_FIRST = tuple(
    "、。，．！？・：；ー々」』）］〉》】ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_PUNCTUATION_IS_WORTH = 6  # characters of imbalance that a break after a mark may cost
_NEVER = 1_000  # where any other break fits


def units(word: str) -> Unit:
    """A word of a transcript as a unit: `" 안녕 "` is ("안녕", True)."""
    return " ".join(word.replace("\0", "").split()), word[:1].isspace()


def length(text: str, half_width: bool = False) -> float:
    """Characters, spaces included; with `half_width`, all but full-width ones count half (UAX 11)."""
    if not half_width:
        return len(text)
    return sum(map(_width, text))


def put(count: int, width: float, unit: Unit, rules: CueRules) -> tuple[int, float]:
    """(lines, length of the last line) of a cue once a unit is added; (0, 0) is the empty cue."""
    for part in _parts(unit):
        count, width = _put(max(1, count), width, part, rules)
    return count, width


def _put(count: int, width: float, part: Unit, rules: CueRules) -> tuple[int, float]:
    text, spaced = part
    size = length(text, rules.half_width)
    gap = length(" ", rules.half_width) if spaced and width else 0
    if not rules.line_chars or width + gap + size <= rules.line_chars:
        return count, width + gap + size
    pieces = cut(text, rules.line_chars, rules.half_width)
    return count + len(pieces) - (width == 0), length(pieces[-1], rules.half_width)


def _parts(unit: Unit) -> list[Unit]:
    """A unit at its own spaces, which a word that somebody corrected may have."""
    text, spaced = unit
    return [(part, spaced or number > 0) for number, part in enumerate(text.split())]


def cut(text: str, longest: float, half_width: bool) -> list[str]:
    """A word that no line can hold, in pieces that fit."""
    pieces = [""]
    for character in text:
        if pieces[-1] and length(pieces[-1] + character, half_width) > longest:
            pieces.append("")
        pieces[-1] += character
    return pieces


def wrap(words: Sequence[Unit], rules: CueRules) -> tuple[str, ...]:
    """The lines of a cue, as few as can be: two are broken after a mark or near the middle."""
    whole = join(words)
    if not rules.line_chars or length(whole, rules.half_width) <= rules.line_chars:
        return (whole,)
    parts = [part for word in words for part in _parts(word)]
    return _best_two(parts, rules) or tuple(_filled(parts, rules))


def join(words: Sequence[Unit]) -> str:
    """The units as one line."""
    return "".join(f" {text}" if spaced else text for text, spaced in words).strip()


def _best_two(words: Sequence[Unit], rules: CueRules) -> tuple[str, str] | None:
    """The two lines that fit and read best; None when no break makes both fit."""
    pairs = ((join(words[:place]), join(words[place:])) for place in range(1, len(words)))
    fitting = [pair for pair in pairs if max(_sizes(pair, rules)) <= rules.line_chars]
    return min(fitting, key=lambda pair: _badness(pair, rules), default=None)


def _badness(pair: tuple[str, str], rules: CueRules) -> float:
    upper, lower = _sizes(pair, rules)
    misplaced = _NEVER * pair[1].startswith(_NOT_FIRST)
    return abs(upper - lower) + misplaced - _PUNCTUATION_IS_WORTH * pair[0].endswith(_MARKS)


def _sizes(pair: tuple[str, str], rules: CueRules) -> list[float]:
    return [length(line, rules.half_width) for line in pair]


def _filled(words: Sequence[Unit], rules: CueRules) -> list[str]:
    """Each line as full as it gets; the same filling that `put` counts."""
    lines = [""]
    for text, spaced in words:
        longer = f"{lines[-1]} {text}" if spaced and lines[-1] else lines[-1] + text
        if length(longer, rules.half_width) <= rules.line_chars:
            lines[-1] = longer
            continue
        pieces = cut(text, rules.line_chars, rules.half_width)
        lines = [line for line in lines if line] + pieces
    return lines


@lru_cache(maxsize=4096)
def _width(character: str) -> float:
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.5
