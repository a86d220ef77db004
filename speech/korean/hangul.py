"""Syllables of Hangul by their parts."""

import unicodedata

FIRST, LAST = "가", "힣"
_VOWELS, _CODAS = 21, 28
_TENSE = {0: 1, 3: 4, 7: 8, 9: 10, 12: 13}  # ㄱㄷㅂㅅㅈ to ㄲㄸㅃㅆㅉ
_SILENT, _NIEUN = 11, 2  # the onsets ㅇ and ㄴ


def is_syllable(letter: str) -> bool:
    """True for one of the 11,172 syllables."""
    return FIRST <= letter <= LAST


def onset(syllable: str) -> int:
    """The place of its first consonant among the 19: 0 is ㄱ, 11 is ㅇ."""
    return (ord(syllable) - ord(FIRST)) // (_VOWELS * _CODAS)


def vowel(syllable: str) -> str:
    """Its vowel as a conjoining jamo."""
    return unicodedata.normalize("NFD", syllable)[1]


def coda(syllable: str) -> str:
    """Its last consonants as a conjoining jamo, or an empty string."""
    return unicodedata.normalize("NFD", syllable)[2:]


def begins_with_vowel(syllable: str) -> bool:
    """True where no consonant is heard first: 아, 약."""
    return is_syllable(syllable) and onset(syllable) == _SILENT


def can_be_tense(syllable: str) -> bool:
    """True for syllables that begin with ㄱ, ㄷ, ㅂ, ㅅ or ㅈ."""
    return is_syllable(syllable) and onset(syllable) in _TENSE


def tense(syllable: str) -> str:
    """가 as 까; others as they are."""
    if not can_be_tense(syllable):
        return syllable
    return _with_onset(syllable, _TENSE[onset(syllable)])


def with_nieun(syllable: str) -> str:
    """여 as 녀: the ㄴ that comes between two words."""
    return _with_onset(syllable, _NIEUN)


def _with_onset(syllable: str, place: int) -> str:
    return chr(ord(syllable) + (place - onset(syllable)) * _VOWELS * _CODAS)
