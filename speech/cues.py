"""Subtitle cues from timed words: where each one starts, ends and breaks into lines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from speech.cue_lines import Unit, length, put, units, wrap
from speech.cue_rules import CueRules
from speech.words import Placed, sentence_numbers


@dataclass(frozen=True)
class Cue:
    """One entry of a subtitle file; times are whole milliseconds, `first` and `last` the ids of its words."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    first: int
    last: int

    @property
    def id(self) -> str:
        """Its name in JSON: the words that it shows."""
        return f"{self.first}-{self.last}"

    @property
    def text(self) -> str:
        """Its lines as one."""
        return " ".join(self.lines)


@dataclass(frozen=True)
class _Item:
    """A word with text in it: its unit, its times in milliseconds, its sentence, its turn of speech and its ids."""

    unit: Unit
    start: int
    end: int
    sentence: int
    turn: int
    placed: Placed


@dataclass
class _Open:
    """A cue that words are still added to."""

    items: list[_Item] = field(default_factory=list)
    chars: float = 0
    lines: int = 0
    width: float = 0

    def add(self, item: _Item, rules: CueRules) -> None:
        self.chars = self.chars_with(item, rules)
        self.lines, self.width = put(self.lines, self.width, item.unit, rules)
        self.items.append(item)

    def chars_with(self, item: _Item, rules: CueRules) -> float:
        text, spaced = item.unit
        gap = length(" ", rules.half_width) if spaced and self.items else 0
        return self.chars + gap + length(text, rules.half_width)


def build(words: Sequence[Placed], rules: CueRules) -> list[Cue]:
    """The cues of `words`, in time linear in their number; a cue has one speaker, and where two talk at once, one
    cue gives way to the next.

    None overlaps another, none is empty and each lasts a millisecond at least, whatever the words' times are.
    """
    opened = [one for voice in _voices(words) for one in _divide(_in_time(voice), rules)]
    opened.sort(key=lambda one: one.items[0].start)
    spans = _spans([(one.items[0].start, one.items[-1].end) for one in opened], rules)
    return [
        Cue(
            start,
            end,
            wrap([item.unit for item in one.items], rules),
            one.items[0].placed.first,
            one.items[-1].placed.last,
        )
        for one, (start, end) in zip(opened, spans, strict=True)
    ]


def _voices(words: Sequence[Placed]) -> Iterable[list[_Item]]:
    """The words with text of each speaker; a turn ends where another speaks."""
    numbers = sentence_numbers([one.word for one in words])
    found: dict[str | None, list[_Item]] = {}
    turn, speaker = 0, None
    for one, number in zip(words, numbers, strict=True):
        unit, start, end = units(one.word.word), _ms(one.word.start), _ms(one.word.end)
        if unit[0]:
            turn, speaker = turn + (one.speaker != speaker), one.speaker
            found.setdefault(speaker, []).append(_Item(unit, start, end, number, turn, one))
    return found.values()


def _in_time(items: Sequence[_Item]) -> list[_Item]:
    """Words of one speaker: none starts before the one ahead of it, from 0 on, and each ends before the next."""
    starts = list(accumulate((one.start for one in items), max, initial=0))[1:]
    borders = [*starts[1:], max((one.end for one in items), default=0)]
    return [
        replace(one, start=start, end=max(start, min(one.end, border)))
        for one, start, border in zip(items, starts, borders, strict=True)
    ]


def _divide(items: Sequence[_Item], rules: CueRules) -> Iterator[_Open]:
    line = _Open()
    for item in items:
        if line.items and _breaks(line, item, rules):
            yield line
            line = _Open()
        line.add(item, rules)
    if line.items:
        yield line


def _breaks(line: _Open, item: _Item, rules: CueRules) -> bool:
    """Whether a cue ends before `item`: the rules, in their order."""
    last = line.items[-1]
    if item.turn != last.turn:
        return True
    if rules.pause and item.start - last.end >= _ms(rules.pause):
        return True
    lasted = last.end - line.items[0].start
    if lasted < _ms(rules.min_seconds):
        return False
    if lasted > _ms(rules.max_seconds):
        return True
    chars = line.chars_with(item, rules)
    if chars > rules.sentence_chars and item.sentence != last.sentence:
        return True
    if chars > rules.max_chars:
        return True
    lines, _ = put(line.lines, line.width, item.unit, rules)
    return bool(rules.line_chars) and lines > rules.max_lines


def _spans(spoken: Sequence[tuple[int, int]], rules: CueRules) -> Iterator[tuple[int, int]]:
    """When each cue is shown, from when it is spoken."""
    starts: list[int] = []
    for start, _ in spoken:
        starts.append(max(start, starts[-1] + 1) if starts else start)
    before: int | None = None
    for place, (_, end) in enumerate(spoken):
        start = starts[place]
        if before is not None and start - before <= _ms(rules.join_gap):
            start = before
        end = max(end, start + 1, start + _ms(rules.min_shown))
        before = min(end, starts[place + 1]) if place + 1 < len(starts) else end
        yield start, before


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
