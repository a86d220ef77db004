"""A plain text with its changes in place: Hangul, single spaces and pauses, each letter with where it comes from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from speech.korean.changes import Change
from speech.korean.hangul import is_syllable
from speech.korean.particles import agree
from speech.korean.signs import PAUSES

STOPS = ".,?!"
ENDS = ".?!"


@dataclass(frozen=True)
class Rendered:
    """`sources[i]` is the place in the plain text behind letter i of `normalized`."""

    normalized: str
    sources: tuple[int, ...]
    changes: tuple[Change, ...]  # their particles settled
    unknown: tuple[str, ...]  # letters without a sound, each once


def render(text: str, made: Iterable[Change], end: str = ".") -> Rendered:
    """What is said for `text`, before the sound rules; `end` is put where it ends in no stop."""
    letters: list[tuple[str, int]] = []
    settled: list[Change] = []
    unknown: list[str] = []
    starts = {change.start: change for change in made}
    place = 0
    while place < len(text):
        if change := starts.get(place):
            settled.append(_settled(change, letters))
            letters += _spread(settled[-1])
            place = change.end
            continue
        letter = text[place]
        if is_syllable(letter) or letter == " ":
            letters.append((letter, place))
        elif letter in PAUSES:
            letters += [(sound, place) for sound in PAUSES[letter]]
        else:
            unknown.append(letter)
        place += 1
    tidy = _tidy(letters, end)
    said, sources = "".join(letter for letter, _ in tidy), tuple(at for _, at in tidy)
    return Rendered(said, sources, tuple(settled), tuple(dict.fromkeys(unknown)))


def _settled(change: Change, letters: list[tuple[str, int]]) -> Change:
    if "/" not in change.spoken:
        return change
    before = next((letter for letter, _ in reversed(letters) if letter not in " .,?!"), "")
    pair = change.spoken.rstrip()
    return replace(change, spoken=agree(pair, before) + change.spoken[len(pair) :])


def _spread(change: Change) -> list[tuple[str, int]]:
    width, said = change.end - change.start, change.spoken
    return [(letter, change.start + i * width // len(said)) for i, letter in enumerate(said)]


def _tidy(letters: list[tuple[str, int]], end: str) -> list[tuple[str, int]]:
    """Single spaces, no pause after a pause, `end` at the end, none at the start."""
    kept: list[tuple[str, int]] = []
    for letter, place in letters:
        if letter in STOPS:
            _stop(letter, place, kept)
        elif letter != " ":
            if kept and kept[-1][0] in STOPS:
                kept.append((" ", place))
            kept.append((letter, place))
        elif kept and kept[-1][0] != " ":
            kept.append((letter, place))
    while kept and kept[-1][0] in " ,":
        kept.pop()
    if kept and kept[-1][0] not in ENDS:
        kept.append((end, kept[-1][1]))
    return kept


def _stop(letter: str, place: int, kept: list[tuple[str, int]]) -> None:
    while kept and kept[-1][0] == " ":
        kept.pop()
    if kept and kept[-1][0] in STOPS:
        strong = letter if kept[-1][0] == "," else kept[-1][0]
        kept[-1] = (strong, kept[-1][1])
    elif kept:
        kept.append((letter, place))
