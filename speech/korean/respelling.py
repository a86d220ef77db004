"""Spelling that the general sound rules read right, where a word's parts or its origin decide its sounds.

Numbers of articles are those of the 표준 발음법. Every respelling keeps the number of letters.
"""

from functools import cache
from itertools import pairwise

from speech.korean.data import pairs, rows
from speech.korean.hangul import (
    begins_with_vowel,
    can_be_tense,
    coda,
    onset,
    tense,
    vowel,
    with_nieun,
)
from speech.korean.hanja import sounds_of_hanja
from speech.korean.morphemes import RIEUL, Morpheme, parts

_NOUNS = ("NNG", "NNP", "NNB", "NNBC", "NP", "NR", "XPN", "XR", "MM")
_CONTENT = (*_NOUNS, "MAG", "VV", "VA")
_ONE_WORD = ("NNG", "NNP", "NR", "XR", "MAG")
_I = "\u1175"
_Y_VOWELS = "\u1163\u1164\u1167\u1168\u116d\u1172"  # ㅑㅒㅕㅖㅛㅠ
# Native words in 이 that take ㄴ after another word; Hanja words in 이 do not (첫인상 is 처딘상).
_NATIVE_I = ("이불", "이름", "이야기", "이마", "이슬", "이빨", "잎", "입", "입술")
_SUFFIXES, _NIEUN = "란량력령론료로례류", "\u11ab"
_NO_PARTICLES = ("로", "란")  # 길 and 칸 in Hanja: after ㄴ the particles would be 으로 and 이란
_AFTER_RIEUL = (3, 9, 12)  # the onsets ㄷ, ㅅ, ㅈ
_TEN_AND_MORE = "십백천만억조"


def respell(text: str, morphemes: list[Morpheme]) -> str:
    """`text` with known words, and what articles 20, 25-27 and 29 say of a word's parts, spelled as it sounds."""
    letters = list(text)
    taken = _known_words(text, morphemes, letters)
    for morpheme in morphemes:
        if morpheme.start not in taken:
            _suffix(morpheme, letters)
            _hanja_word(morpheme, letters)
        _ending(morpheme, letters)
    for left, right in pairwise(parts(morphemes)):
        if left.end == right.start and right.start not in taken:
            _joined(left, right, letters)
        _in_one_go(left, right, letters)
    _eight(letters)
    return "".join(letters)


def meets_as_words(left: Morpheme, right: Morpheme) -> bool:
    """True for two parts of a compound that meet as two words do (제15항): 맛없다, 헛웃음; not 맛이, 먹어."""
    return left.end == right.start and left.tags[-1] in _NOUNS and right.tags[0] in _CONTENT


def counts(left: Morpheme, right: Morpheme) -> bool:
    """True where a number in ㄹ makes what is counted tense: 열 개 as 열 깨, 칠 점 as 칠 쩜 (제26항), not 칠 개월."""
    if left.tags[0] not in ("NR", "MM") or coda(left.text[-1]) != RIEUL:
        return False
    hanja = len(right.text) == 1 and onset(right.text) in _AFTER_RIEUL
    return left.text == "열" or (hanja and right.text in sounds_of_hanja())


def _known_words(text: str, morphemes: list[Morpheme], letters: list[str]) -> set[int]:
    """Put the table's spelling where its word stands between borders of morphemes; the places it took."""
    taken: set[int] = set()
    ends = {each.end for each in morphemes if not each.particle}
    for number, morpheme in enumerate(morphemes):
        if morpheme.start in taken or morpheme.particle:
            continue
        for length in _lengths():
            end = morpheme.start + length
            said = pairs("sounds").get(text[morpheme.start : end])
            if said and end in ends and not _leans(morphemes, number, end):
                letters[morpheme.start : end] = said
                taken.update(range(morpheme.start, end))
                break
    return taken


def _leans(morphemes: list[Morpheme], number: int, end: int) -> bool:
    """True if a particle stands before `end`: 안과 밖 is not the 안과 that looks after eyes."""
    while number < len(morphemes) and morphemes[number].start < end:
        if morphemes[number].particle:
            return True
        number += 1
    return False


def _person(word: str, place: int) -> bool:
    """True before the 자 of 개발자 and 기술자, which stays plain; 필자 is 필짜."""
    return word[place + 1 :] == "자" and len(word) > 2


@cache
def _lengths() -> tuple[int, ...]:
    return tuple(sorted({len(written) for written in pairs("sounds")}, reverse=True))


@cache
def _plain_words() -> frozenset[str]:
    return frozenset(row[0] for row in rows("plain_sounds"))


def _suffix(morpheme: Morpheme, letters: list[str]) -> None:
    """제20항 다만: the suffixes of 생산량 and 판단력 keep their ㄴ; a word of two syllables does not (난로 is 날로)."""
    word = morpheme.text
    if len(word) > 2 and word[-1] in _SUFFIXES and coda(word[-2]) == _NIEUN and _is_one(morpheme):
        letters[morpheme.end - 1] = with_nieun(letters[morpheme.end - 1])


def _hanja_word(morpheme: Morpheme, letters: list[str]) -> None:
    """제26항: in a word of Hanja ㄷ, ㅅ and ㅈ are tense after ㄹ, but not where one Hanja stands twice."""
    word = morpheme.text
    for place, (left, right) in enumerate(pairwise(word)):
        meets = coda(left) == RIEUL and onset(right) in _AFTER_RIEUL
        if meets and left != right and {left, right} <= sounds_of_hanja() and _is_one(morpheme):
            if not _person(word, place):
                at = morpheme.start + place + 1
                letters[at] = tense(letters[at])


def _is_one(morpheme: Morpheme) -> bool:
    return morpheme.tags[0] in _ONE_WORD and morpheme.text not in _plain_words()


def _ending(morpheme: Morpheme, letters: list[str]) -> None:
    """제27항 붙임: endings that begin with ㄹ are tense after it: 할게, 할수록, 먹을지."""
    whole = morpheme.tags[0][0] == "E"
    if not whole and not morpheme.endings.startswith(RIEUL):
        return
    for place in range(morpheme.start, morpheme.end - 1):
        if coda(letters[place]) == RIEUL and can_be_tense(letters[place + 1]):
            letters[place + 1] = tense(letters[place + 1])
            return


def _joined(left: Morpheme, right: Morpheme, letters: list[str]) -> None:
    """제29항: ㄴ between the parts of a compound, and in numbers before 육 (십육 is 심뉵)."""
    if right.text in _NO_PARTICLES and coda(left.text[-1]) == _NIEUN:
        letters[right.start] = with_nieun(right.text)
    if not begins_with_vowel(right.text[0]) or not coda(left.text[-1]):
        return
    number = right.text[0] == "육" and right.tags[0] == "NR" and left.text[-1] in _TEN_AND_MORE
    noun = right.tags[0] == "NNG" and left.tags[-1] in _NOUNS
    used_for = right.text == "용" and right.tags[0] == "XSN"
    y_sound = vowel(right.text[0]) in _Y_VOWELS or right.text in _NATIVE_I
    if number or used_for or (noun and y_sound):
        letters[right.start] = with_nieun(letters[right.start])


def _in_one_go(left: Morpheme, right: Morpheme, letters: list[str]) -> None:
    """제29항 붙임 2: ㄴ between two words said as one: 할 일, 잘 입다, 못 잊다; not 한일 (韓日)."""
    if not coda(left.text[-1]) or not begins_with_vowel(right.text[0]):
        return
    one = left.tags[-1] == "ETM" or (left.tags == ("MM",) and left.end < right.start)
    work = one and right.text in ("일", "엿") and right.tags == ("NNG",)
    how = left.text in ("잘", "못") and left.tags == ("MAG",) and right.tags[0] in ("VV", "VA")
    how = how and not right.text.startswith("있")  # 잘 있어 is 자 리써
    if work or (how and vowel(right.text[0]) in (*_Y_VOWELS, _I)):
        letters[right.start] = with_nieun(letters[right.start])


def _eight(letters: list[str]) -> None:
    """여덟 개 is 여덜 개: after a noun in ㄼ nothing is tense (제25항 is about stems)."""
    for place, letter in enumerate(letters[:-1]):
        if letter == "덟":
            following = letters[place + 1 : place + 3]
            after = following[-1] if following[0] == " " else following[0]
            letters[place] = "덜" if can_be_tense(after) else letter
