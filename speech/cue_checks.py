"""What a subtitle cue breaks, whoever made it: the rules as they are seen on the screen."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol, TypeVar

from speech.cue_lines import length
from speech.cue_rules import CueRules


class Shown(Protocol):
    """A cue of ours or of a file: when it is shown, in whole milliseconds, and its lines."""

    @property
    def start_ms(self) -> int:
        """From when."""

    @property
    def end_ms(self) -> int:
        """Until when."""

    @property
    def lines(self) -> Sequence[str]:
        """From top to bottom."""


One = TypeVar("One", bound=Shown)


@dataclass(frozen=True)
class Broken:
    """A rule that a cue breaks; `found` and `allowed` in the rule's own unit, None where there is no number."""

    rule: str
    found: float | None = None
    allowed: float | None = None


def broken(cue: Shown, before: Shown | None, rules: CueRules) -> list[Broken]:
    """All that a cue breaks, as the only judge of what a viewer sees.

    `empty`, `order` (it ends no later than it starts) and `overlap` have no number; the rest are the names of
    CueRules. A cue of ours may exceed max_seconds by its last word, and another limit where min_seconds asks for it.
    """
    return [
        *(() if any(line.strip() for line in cue.lines) else (Broken("empty"),)),
        *_of_times(cue, before, rules),
        *_of_text(cue, rules),
    ]


def speed(cue: Shown, rules: CueRules) -> float:
    """Characters a second, rounded to a tenth; line breaks count as spaces."""
    lasts = max(1, cue.end_ms - cue.start_ms)
    return round(1000 * length(" ".join(cue.lines), rules.half_width) / lasts, 1)


def line_lengths(cue: Shown, rules: CueRules) -> list[float]:
    """The length of each line, as the rules count."""
    return [length(line, rules.half_width) for line in cue.lines]


def report(cues: Sequence[Shown], rules: CueRules) -> dict[str, Any]:
    """What a list of cues is like: their number, lines and reading speeds, and how often each rule is broken."""
    speeds = [speed(cue, rules) for cue in cues]
    faults = (
        fault.rule for cue, before in with_previous(cues) for fault in broken(cue, before, rules)
    )
    return {
        "cues": len(cues),
        "longest_line": max((size for cue in cues for size in line_lengths(cue, rules)), default=0),
        "most_lines": max((len(cue.lines) for cue in cues), default=0),
        "characters_per_second": {"median": median(speeds or [0]), "most": max(speeds, default=0)},
        "broken": dict(sorted(Counter(faults).items())),
    }


def with_previous(cues: Iterable[One]) -> Iterator[tuple[One, One | None]]:
    """Each cue with the one before it."""
    before = None
    for cue in cues:
        yield cue, before
        before = cue


def _of_times(cue: Shown, before: Shown | None, rules: CueRules) -> Iterator[Broken]:
    lasts = (cue.end_ms - cue.start_ms) / 1000
    if lasts <= 0:
        yield Broken("order")
    elif lasts < (least := max(rules.min_seconds, rules.min_shown)):
        yield Broken("min_seconds", lasts, least)
    if lasts > rules.max_seconds:
        yield Broken("max_seconds", lasts, rules.max_seconds)
    gap = (cue.start_ms - before.end_ms) / 1000 if before else 0
    if gap < 0:
        yield Broken("overlap")
    elif 0 < gap <= rules.join_gap:
        yield Broken("join_gap", gap, rules.join_gap)


def _of_text(cue: Shown, rules: CueRules) -> Iterator[Broken]:
    chars = length(" ".join(cue.lines), rules.half_width)
    longest = max(line_lengths(cue, rules), default=0)
    if chars > rules.max_chars:
        yield Broken("max_chars", chars, rules.max_chars)
    if rules.line_chars and longest > rules.line_chars:
        yield Broken("line_chars", longest, rules.line_chars)
    if len(cue.lines) > rules.max_lines:
        yield Broken("max_lines", len(cue.lines), rules.max_lines)
    if speed(cue, rules) > rules.max_cps:
        yield Broken("max_cps", speed(cue, rules), rules.max_cps)
