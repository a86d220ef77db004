"""The sound rules of Korean (g2pk): from spelling to what is said, 좋은 to 조은."""

import importlib
import re
import sys
import unicodedata
import warnings
from functools import cache
from importlib.metadata import distribution
from itertools import pairwise
from types import ModuleType

from speech.korean.hangul import coda, is_syllable
from speech.korean.morphemes import Morpheme, Morphemes, mark, parts
from speech.korean.respelling import counts, meets_as_words, respell

# Rules of g2pk that look at two syllables and the border between them, in its order. Left out: `jamo`, which
# takes any ㅡ for the names of letters (늦은 as 느슨), and those that do nothing unless asked to.
_SPECIAL = (
    "jyeo",
    "consonant_ui",
    "rieulgiyeok",
    "rieulbieub",
    "verb_nieun",
    "balb",
    "palatalize",
    "modifying_rieul",
)
_AFTER = ("jyeo",)  # 붙여 is 부처
_LINKS = ("link1", "link2", "link3", "link4")
_END, _ASPIRATES = r"(\W|$)", "\u110e\u110f\u1110\u1111"
# To the next pause; where none comes, to a space, or any 400 letters.
_STRETCHES = re.compile("[^.,?!]{0,400}[.,?!]+ ?|.{1,400}(?: |$)|.{1,400}", re.DOTALL)
_MARKS = re.compile("/[PJEB]")
_PLACES = re.compile("([\u11a8-\u11c2]?)( ?)([\u1100-\u1112])(.)")
# Syllables that a rule names (밟다, 넓죽하다); all others sound alike before a border.
_NAMED = ("\u1107\u1161", "\u1102\u1165")
_DIGEUT, _JIEUT, _HIEUH = "\u11ae", "\u11bd", "\u1112"
_HIYEO, _CHEO = "혀혔", "\u110e\u1165"
_ANY = "\u110b\u1161"


class Sounds:
    """The rules, with the dictionary of MeCab."""

    def __init__(self) -> None:
        self._morphemes = Morphemes()

    def said(self, text: str) -> str:
        """What is said for a text of Hangul, spaces and punctuation; as many letters out as in.

        Nothing is joined over a pause, so each stretch between two is read by itself: MeCab's time grows faster than
        its text.
        """
        return "".join(self._stretch(stretch) for stretch in _STRETCHES.findall(text))

    def _stretch(self, text: str) -> str:
        morphemes = self._morphemes.of(text)
        return join(respell(text, morphemes), _borders(morphemes))


def join(letters: str, borders: dict[int, str]) -> str:
    """The sounds of syllables next to each other.

    `borders` has, by the place of a syllable, what stands behind it: a mark of g2pk, or a space where two words
    meet that are written as one.
    """
    heads = [_head(letter) if is_syllable(letter) else letter for letter in letters]
    tails = [coda(letter) if is_syllable(letter) else "" for letter in letters]
    for place, letter in enumerate(letters):
        if not tails[place]:
            continue
        following = letters[place + 1 : place + 3]
        gap = " " if following[:1] == " " else ""
        right = place + 1 + len(gap)
        if not is_syllable(following[len(gap) : len(gap) + 1] or " "):
            tails[place] = _alone(_left(letter) + tails[place])
            continue
        if not gap and tails[place] == _DIGEUT and letters[right] in _HIYEO:
            tails[place], heads[right] = "", _CHEO  # 제17항 붙임 holds for 닫혀 as for 닫히어
            continue
        border = borders.get(place, "") + gap
        tails[place], heads[right] = _meet(_left(letter) + tails[place], border, heads[right])
    return unicodedata.normalize("NFC", "".join(map(str.__add__, heads, tails)))


def _borders(morphemes: list[Morpheme]) -> dict[int, str]:
    found = {each.end - 1: mark(each) for each in morphemes}
    for left, right in pairwise(parts(morphemes)):
        if counts(left, right):
            found[left.end - 1] = "/E"
        sign = found.get(left.end - 1, "")
        if left.end == right.start and (sign == "/E" or meets_as_words(left, right)):
            found[left.end - 1] = sign + " "
    return found


def _left(syllable: str) -> str:
    head = unicodedata.normalize("NFD", syllable)[:2]
    return head if head in _NAMED else _ANY


@cache
def _head(syllable: str) -> str:
    """The onset and vowel of a syllable, as its own rules have them: 져 as 저, 희 as 히."""
    return _by(_SPECIAL, unicodedata.normalize("NFD", syllable)[:2])


@cache
def _alone(left: str) -> str:
    """Last consonants of `left` before a pause: 꽃 as 꼳, 밟 as 밥."""
    return _by_table(_by(_SPECIAL, f"{left}."))[2:-1]


@cache
def _meet(left: str, border: str, right: str) -> tuple[str, str]:
    """The last consonants of `left` and the head of `right` when said in one go; all in conjoining jamo."""
    if " " in border and right[0] == _HIEUH:  # 낮 한때 is 나 탄때: 제12항 붙임 2
        left = left.replace(_JIEUT, _DIGEUT)
    text = _MARKS.sub("", _by(_SPECIAL, left + border + right))
    said = _by(_LINKS, _by_table(text))
    found = _PLACES.fullmatch(said, 2)
    assert found, (left, border, right, said)
    tail, _, first, vowel = found.groups()
    return tail, _by(_AFTER, first + vowel)


def _by(rules: tuple[str, ...], text: str) -> str:
    module = _g2pk("regular" if rules is _LINKS else "special")
    for name in rules:
        text = getattr(module, name)(text)
    return text


def _by_table(text: str) -> str:
    for tail, pattern, said in _table():
        if tail in text:
            text = pattern.sub(said, text)
    return text


@cache
def _table() -> list[tuple[str, re.Pattern[str], str]]:
    """g2pk's table: the last consonant that a row is about, its pattern, and what is said.

    Its cells before ㅊ, ㅋ, ㅌ and ㅍ are damaged ("ᆮ1ᄑ") or missing: there a last consonant sounds as it does
    alone (제9-11항; 놓치다 is 녿치다).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        cells = [(pattern, said) for pattern, said, _ in _g2pk("utils").parse_table()]
    alone = {pattern[0]: said[:1] for pattern, said in cells if pattern.endswith(_END)}
    whole = [(pattern, said) for pattern, said in cells if pattern[-1] not in _ASPIRATES]
    whole += [
        (f"{tail}( ?){head}", f"{alone[tail]}\\1{head}") for tail in alone for head in _ASPIRATES
    ]
    ends = [(f"{tail}{_END}", f"{said}\\1") for tail, said in alone.items()]
    whole = [cell for cell in whole if not cell[0].endswith(_END)] + ends
    return [(pattern[0], re.compile(pattern), said) for pattern, said in whole]


@cache
def _g2pk(name: str) -> ModuleType:
    """A module of g2pk without the package's own, which imports NLTK and looks for a download."""
    package = ModuleType("g2pk")
    package.__path__ = [str(distribution("g2pk").locate_file("g2pk"))]
    sys.modules["g2pk"] = package
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # its regular expressions are not raw
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", ResourceWarning)  # it leaves closing files to Python
            return importlib.import_module(f"g2pk.{name}")
    finally:
        del sys.modules["g2pk"]
