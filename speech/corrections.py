"""Corrections of a transcript: words that somebody wrote anew, kept apart from the words as heard.

A correction names the words that it stands for by their ids, so that it holds whatever rules the cues are cut by.
A transcript's version counts the corrections that were accepted, in that order.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, Literal

from speech.cue_lines import join, units
from speech.words import SPACELESS, Placed, tokens

State = Literal["proposed", "accepted", "rejected"]


@dataclass(frozen=True)
class Correction:
    """What somebody proposes instead of the words [first, last]; times are seconds since 1970."""

    id: str
    job: str
    first: int
    last: int
    start: float  # of the first word, in seconds of the recording
    end: float  # of the last
    before: str
    after: str
    base: int  # the version that it was written against
    state: State
    version: int | None  # the version that it made
    proposed_by: str
    created: float
    decided_by: str | None = None
    decided: float | None = None


def correct(words: Sequence[Placed], change: Correction, language: str) -> list[Placed] | None:
    """The words with a correction in place; None when it cuts through one that was accepted before.

    Words that stay keep their times. Those that are written anew take the times of those they replace, one for
    one, or share them by number where they are more or fewer, and are marked as interpolated then.
    """
    span = find(words, change.first, change.last)
    if span is None:
        return None
    old = words[span[0] : span[1]]
    return [*words[: span[0]], *_rewritten(old, change.after, language), *words[span[1] :]]


def find(words: Sequence[Placed], first: int, last: int) -> tuple[int, int] | None:
    """The places [start, end) of the words that stand for exactly the ids [first, last], or None."""
    start = bisect_left(words, first, key=lambda one: one.first)
    end = bisect_left(words, last, key=lambda one: one.last) + 1
    if start >= end or end > len(words):
        return None
    exact = words[start].first == first and words[end - 1].last == last
    return (start, end) if exact else None


def text_of(words: Iterable[Placed]) -> str:
    """Words as one line."""
    return join([units(one.word.word) for one in words])


def diff(before: str, after: str) -> list[dict[str, str]]:
    """What was changed between two texts, word by word: {"op", "before", "after"}; what stayed is left out."""
    old, new = before.split(), after.split()
    return [
        {"op": op, "before": " ".join(old[a:b]), "after": " ".join(new[c:d])}
        for op, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if op != "equal"
    ]


def pairs(accepted: Iterable[Correction]) -> list[dict[str, Any]]:
    """What was heard and how it is written, with how often it was corrected so, the most frequent first."""
    counted = Counter(
        (change["before"], change["after"])
        for one in accepted
        for change in diff(one.before, one.after)
        if change["op"] == "replace"
    )
    return [
        {"heard": heard, "written": written, "times": times}
        for (heard, written), times in counted.most_common()
    ]


def _rewritten(old: Sequence[Placed], text: str, language: str) -> list[Placed]:
    """The same stretch with new words; each keeps the ids of those it stands for, and none is lost."""
    new = tokens(text if language in SPACELESS else f" {text}", language)
    written = [units(one.word.word)[0] for one in old]
    matcher = SequenceMatcher(None, written, [token.strip() for token in new], autojunk=False)
    made: list[Placed] = []
    lead: list[str] = []  # words put in before the first that stays
    for op, a, b, c, d in matcher.get_opcodes():
        if op == "equal":
            made += old[a:b]
        elif op == "insert" and made:
            made[-1] = _spelled(made[-1], [made[-1].word.word, *new[c:d]])
        elif op == "insert":
            lead = new[c:d]
        else:
            made += _shared(old[a:b], new[c:d])
    if lead:
        made[0] = _spelled(made[0], [*lead, made[0].word.word])
    return made


def _spelled(one: Placed, texts: Sequence[str]) -> Placed:
    return replace(one, word=replace(one.word, word="".join(texts)))


def _shared(old: Sequence[Placed], new: Sequence[str]) -> Iterator[Placed]:
    """New words over old ones: as many groups as the fewer of them are, none without ids."""
    count = max(1, min(len(old), len(new)))
    for (a, b), (c, d) in zip(_groups(len(old), count), _groups(len(new), count), strict=True):
        group = old[a:b]
        text, first = "".join(new[c:d]), group[0].word
        if (b - a, d - c) == (1, 1):
            word = replace(first, word=text)
        else:
            end = group[-1].word.end
            word = replace(first, word=text, end=end, time_source="interpolated")
        yield Placed(word, group[0].first, group[-1].last, group[0].speaker)


def _groups(length: int, count: int) -> Iterator[tuple[int, int]]:
    return pairwise(length * n // count for n in range(count + 1))
