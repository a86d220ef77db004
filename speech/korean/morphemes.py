"""The morphemes of a Korean text (MeCab), as the sound rules need them."""

from dataclasses import dataclass
from typing import Any

from mecab import MeCab

from speech.korean.hangul import coda, is_syllable

RIEUL, NIEUN_KINDS = "\u11af", "\u11ab\u11ac\u11b7\u11b1\u11b0\u11b2\u11b4"


@dataclass(frozen=True)
class Morpheme:
    """A morpheme at [start, end) of the text; `tags` are MeCab's, of each part of a contracted one."""

    start: int
    end: int
    text: str
    tags: tuple[str, ...]
    endings: str = ""  # the endings that a contracted stem has taken, as jamo and syllables
    parts: tuple["Morpheme", ...] = ()  # of a compound noun

    @property
    def particle(self) -> bool:
        """True for particles, endings and the copula: what leans on the word before it."""
        return self.tags[0][0] in "JE" or self.tags[0] == "VCP"


class Morphemes:
    """MeCab with its dictionary; its words come from the package python-mecab-ko-dic, which is locked."""

    def __init__(self) -> None:
        self._mecab = MeCab()

    def of(self, text: str) -> list[Morpheme]:
        """The morphemes of `text`, in order; white space belongs to none."""
        return [_morpheme(each) for each in self._mecab.parse(text)]


def parts(morphemes: list[Morpheme]) -> list[Morpheme]:
    """The morphemes with compound nouns taken apart: 부산역 as 부산 and 역."""
    return [part for each in morphemes for part in (each.parts or (each,))]


def mark(morpheme: Morpheme) -> str:
    """g2pk's mark for a last syllable: "/E" an ending in ㄹ, "/P" a stem in ㄴ, ㅁ or ㄹ with another; else ""."""
    tail = coda(morpheme.text[-1]) if is_syllable(morpheme.text[-1]) else ""
    kind = morpheme.tags[-1][0]
    if kind == "E" and tail == RIEUL:
        return "/E"
    return "/P" if kind == "V" and tail and tail in NIEUN_KINDS else ""


def _morpheme(found: Any) -> Morpheme:
    start, surface, feature = found.span.start, found.surface, found.feature
    told = feature.expression or ""
    endings = told.partition("+")[2] if feature.type == "Inflect" else ""
    compound = _parts(start, surface, told) if feature.type == "Compound" else ()
    tags = tuple(feature.pos.split("+"))
    return Morpheme(start, found.span.end, surface, tags, endings, compound)


def _parts(start: int, surface: str, expression: str) -> tuple[Morpheme, ...]:
    """The parts that MeCab tells as 부산/NNP/*+역/NNG/*."""
    made = []
    for written, tag, *_ in (part.split("/") for part in expression.split("+")):
        made.append(Morpheme(start, start + len(written), written, (tag,)))
        start += len(written)
    return tuple(made) if "".join(part.text for part in made) == surface else ()
