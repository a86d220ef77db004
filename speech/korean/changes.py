"""Rules that say what is written otherwise: a pattern each, and what is said for its match."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

Said = Callable[[re.Match[str]], str | None]


@dataclass(frozen=True)
class Change:
    """What stands at [start, end) of the text is said as `spoken`, by the rule `kind`.

    A `spoken` such as 은/는 is a particle in both its forms: what is said before it decides.
    """

    start: int
    end: int
    written: str
    spoken: str
    kind: str


@dataclass(frozen=True)
class Rule:
    """A pattern over the written text; `said` gets its match and gives Hangul, or None to leave it to later rules.

    A group named `span` narrows what is changed. `needs` is a class of characters without which nothing matches.
    """

    kind: str
    pattern: re.Pattern[str]
    said: Said
    needs: str = r"\d"


def rule(kind: str, pattern: str, said: Said | str, needs: str = r"\d") -> Rule:
    """A rule whose pattern is still text, and that may always say the same."""
    answer = (lambda _: said) if isinstance(said, str) else said
    return Rule(kind, re.compile(pattern), answer, needs)


def changes(text: str, rules: Iterable[Rule], taken: Iterable[Change] = ()) -> list[Change]:
    """Every change that the rules make to `text`, in order, none overlapping another or one of `taken`.

    Earlier rules win; what one has claimed no later one sees.
    """
    found = list(taken)
    claimed = bytearray(len(text))
    for change in found:
        claimed[change.start : change.end] = b"\x01" * (change.end - change.start)
    present: dict[str, bool] = {}
    for each in rules:
        if each.needs not in present:
            present[each.needs] = bool(_class(each.needs).search(text))
        if present[each.needs]:
            _apply(each, text, claimed, found)
    return sorted(found, key=lambda change: change.start)


def _apply(each: Rule, text: str, claimed: bytearray, found: list[Change]) -> None:
    group = "span" if "span" in each.pattern.groupindex else 0
    for match in each.pattern.finditer(text):
        start, end = match.span(group)
        if start >= end or claimed.find(1, start, end) >= 0:
            continue
        spoken = each.said(match)
        if spoken is not None:
            claimed[start:end] = b"\x01" * (end - start)
            found.append(Change(start, end, text[start:end], spoken, each.kind))


@cache
def _class(characters: str) -> re.Pattern[str]:
    return re.compile(f"[{characters}]")
