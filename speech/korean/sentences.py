"""A Korean text, cut into sentences that can be spoken one at a time."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from speech.korean.breaths import breath
from speech.korean.hangul import coda, is_syllable

LONGEST = 150  # characters of one sentence; longer ones are cut where a speaker would breathe
Border = Literal["clause", "sentence", "paragraph"]

_CLOSERS = re.escape("\"'”’」』》〉)]*_")
_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", "(": ")"}
_LONGEST_QUOTE = 300
_QUOTED = re.compile(
    "|".join(
        [
            *(
                rf"{re.escape(opener)}[^\n{re.escape(opener + closer)}]{{0,{_LONGEST_QUOTE}}}{re.escape(closer)}"
                for opener, closer in _PAIRS.items()
            ),
            rf'"[^"\n]{{0,{_LONGEST_QUOTE}}}"',
        ]
    )
)
_END = re.compile(rf"(?:[.!?。！？…]+[{_CLOSERS}]*(?=\s|$)|[。！？]+|\n+)")
# 했다.그리고: no space, yet an end; 3.14 and a.b.com are none.
_TIGHT = re.compile(r"(?<=[다요까죠네])[.!?]+(?=[가-힣])")
# 철수입니다 저는, 가십니까 저는, 웃기다 ㅋㅋㅋ 진짜, 고마워요 :) 또: an end without a point.
_BARE = re.compile(
    r"(?<=니)[다까](?=[ \t])|(?<=[다요죠지네까]) ?(?:[ㅋㅎㅠㅜ]{2,}|[:;]-?[)D(])(?=[ \t])"
)
_NO_END = re.compile(
    r"(?:(?:^|[\s(])(?:[A-Za-z]|No|Dr|Mr|Ms|Mrs|vs|St|Prof|Vol|Fig|Inc|Co|Ltd|Jr|Sr|cf|e\.g|i\.e)"
    r"|\b(?:[A-Z]\.)+[A-Z]|(?:^|\n)[ \t]*(?:\d{1,3}|[가나다라마바사아자차카타파하]))\.$"
)
_DATE = re.compile(r"\d{4}\. ?\d{1,2}\. ?(?:\d{1,2}\.)?")
_ELLIPSIS = re.compile(r"(?:\.{2,}|…+)$")
_MORE = re.compile(r"[ \t]*\S")
_BLANK = re.compile(r"\s*")
_FINAL = "다요죠까네나군구걸지라자"
# "안녕." 하고 말했다, “사랑해.”라고: the sentence goes on after its quotation, or after an end without a point.
_GOES_ON = re.compile(r" ?(?:하고|하며|라고|이라고|고 |라는|이라는|라며|라면서|란 |만 )")


@dataclass(frozen=True)
class Sentence:
    """`text` stands at [start, end) of the whole; `border` is what lies between it and the next one."""

    text: str
    start: int
    end: int
    border: Border = "sentence"


def sentences(text: str, longest: int = LONGEST) -> list[Sentence]:
    """The sentences of `text`, without the white space around them, none empty, none over `longest` characters.

    Nothing but white space is lost. Decimal points, dates, addresses, initials and the numbers of a list end no
    sentence, nor does a point between quotation marks or brackets that are closed on the same line.
    """
    found: list[Sentence] = []
    start = 0
    for end in [*_ends(text), len(text)]:
        if whole := _stripped(text, start, end):
            found += _pieces(text, *whole, longest, _border(text, whole[1]))
        start = end
    return found


def parts(text: str, longest: int, longest_sentence: int = LONGEST) -> list[Sentence]:
    """Neighbouring sentences as one, up to `longest` characters each: the parts of a long text."""
    made: list[Sentence] = []
    for sentence in sentences(text, longest_sentence):
        if made and sentence.end - made[-1].start <= longest:
            start = made.pop().start
            sentence = Sentence(text[start : sentence.end], start, sentence.end, sentence.border)
        made.append(sentence)
    return made


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def _border(text: str, end: int) -> Border:
    """A blank line ends a paragraph."""
    behind = _BLANK.match(text, end)
    return "paragraph" if behind and behind[0].count("\n") > 1 else "sentence"


def _pieces(text: str, start: int, end: int, longest: int, border: Border) -> Iterator[Sentence]:
    while end - start > longest:
        cut = start + breath(text[start : start + longest + 1], longest)
        if piece := _stripped(text, start, cut):
            yield Sentence(text[slice(*piece)], *piece, "clause")
        while cut < end and text[cut].isspace():
            cut += 1
        start = cut
    if start < end:
        yield Sentence(text[start:end], start, end, border)


def _ends(text: str) -> list[int]:
    closed = _Closed(text)
    ends = {
        match.end()
        for pattern in (_END, _TIGHT)
        for match in pattern.finditer(text)
        if not closed.hold(match) and not _no_end(text, match)
    }
    ends |= {match.end() for match in _BARE.finditer(text) if _polite(text, match)}
    return sorted(ends)


def _no_end(text: str, match: re.Match[str]) -> bool:
    """True after an abbreviation, the number of a list, or dots that only hesitate: 글쎄… 잘 모르겠어."""
    if "\n" in match[0]:
        return False
    before = text[max(match.end() - 12, 0) : match.end()]
    if _NO_END.search(before):
        return True
    hesitates = _ELLIPSIS.search(before) and text[match.start() - 1] not in _FINAL
    return bool(hesitates) and bool(_MORE.match(text, match.end()))


def _polite(text: str, match: re.Match[str]) -> bool:
    """True for an end without a point: 합니다, 가십니까, not 아니다, and not 합니다 라고."""
    if match[0] in "다까":
        stem = text[match.start() - 2 : match.start() - 1]
        if not (stem and is_syllable(stem) and coda(stem) == "\u11b8"):
            return False
    return not _GOES_ON.match(text, match.end())


class _Closed:
    """The stretches of a text between quotation marks or brackets, and its dates: what ends no sentence inside."""

    def __init__(self, text: str) -> None:
        spans = sorted(match.span() for match in _QUOTED.finditer(text))
        self._dates = {end for match in _DATE.finditer(text) for end in _points(match)}
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def hold(self, match: re.Match[str]) -> bool:
        """True when the end stands inside, or closes a quotation that its sentence goes on after."""
        if "\n" in match[0]:
            return False
        if match.start() in self._dates:
            return True
        place = bisect_right(self._starts, match.start()) - 1
        if place < 0 or match.start() >= self._ends[place]:
            return False
        return match.end() < self._ends[place] or bool(_GOES_ON.match(match.string, match.end()))


def _points(match: re.Match[str]) -> list[int]:
    return [match.start() + at for at, letter in enumerate(match[0]) if letter == "."]
