"""Entries of a lexicon, applied before every rule: what is written, and how it is to be said."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from speech.korean.changes import Change
from speech.korean.plain import plain

_LETTER = re.compile(r"\w")
_LATIN = re.compile(r"[A-Za-z0-9]")


@dataclass(frozen=True)
class Entry:
    """`written` is said as `spoken`; of entries that match at one place the higher `priority` wins, then the longer.

    A `whole_word` has no letter or digit before it, and after it no Latin letter or digit where it ends in one:
    particles may follow.
    """

    written: str
    spoken: str
    priority: int = 0
    whole_word: bool = False
    kind: str = "lexicon"  # what its changes are called


class Lexicon:
    """Entries, ordered once for many texts. Case and accents count; full-width forms do not."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        for entry in sorted(entries, key=lambda entry: (entry.priority, entry.spoken)):
            if written := plain(entry.written).text:
                self._entries[written] = entry
        self._lengths = sorted({len(written) for written in self._entries}, reverse=True)

    def changes(self, text: str) -> list[Change]:
        """What the entries make of a plain text, from left to right."""
        found: list[Change] = []
        place = 0
        while self._entries and place < len(text):
            best = self._best(text, place)
            if best is None:
                place += 1
                continue
            written, entry = best
            end = place + len(written)
            found.append(Change(place, end, written, entry.spoken, entry.kind))
            place = end
        return found

    def _best(self, text: str, place: int) -> tuple[str, Entry] | None:
        best: tuple[str, Entry] | None = None
        for length in self._lengths:
            written = text[place : place + length]
            entry = self._entries.get(written) if len(written) == length else None
            if entry is None or (entry.whole_word and not _alone(text, place, place + length)):
                continue
            if best is None or entry.priority > best[1].priority:
                best = written, entry
        return best


def _alone(text: str, start: int, end: int) -> bool:
    if start and _LETTER.match(text[start - 1]):
        return False
    return not (end < len(text) and _LATIN.match(text[end - 1]) and _LATIN.match(text[end]))
