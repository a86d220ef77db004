"""Latin words in Hangul: a table, then the CMU dictionary, then letter by letter."""

import re

from speech.korean.changes import rule
from speech.korean.data import pairs
from speech.korean.english import by_letters, pronounced, speakable

# 표준국어대사전, under each letter.
_NAMES = (
    "에이 비 시 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 아르 에스 티 유 브이 더블유 엑스 와이 제트"
).split()
LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", _NAMES, strict=True))
_LONGEST_CAPITALS = 3  # longer ones are words if a dictionary knows them: LOVE, but HTML
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def read_word(word: str) -> str:
    """A word of Latin letters in Hangul: 파이썬 for Python, 에이치티엠엘 where nothing knows it as a word."""
    small = word.lower()
    known = pairs("words").get(small)
    if known is not None and not (word.isupper() and len(word) == 2):  # IT is no it
        return known
    if len(word) == 1:
        return spell(word)
    if word.isupper():
        known = pronounced(small) if len(word) > _LONGEST_CAPITALS and speakable(small) else None
        return known or spell(word)
    plural = word[:-1]
    if word[-1] == "s" and plural.isupper() and len(plural) > 1:
        return spell(plural) + "스"
    humps = _HUMPS.findall(word)
    if len(humps) > 1:
        return "".join(map(read_word, humps))
    return pronounced(small) or by_letters(small) or spell(word)


def spell(word: str) -> str:
    """Each letter by its Korean name."""
    return "".join(LETTERS[letter] for letter in word.lower())


def _hyphenated(match: re.Match[str]) -> str:
    """Wi-Fi by the table; e-book as one word, Jean-Luc as two."""
    known = pairs("words").get(match[0].lower())
    if known is not None:
        return known
    first, *rest = match[0].split("-")
    return ("" if len(first) == 1 else " ").join(map(read_word, (first, *rest)))


def _apostrophe(match: re.Match[str]) -> str:
    small = match[0].lower().replace("’", "'")
    whole, _, ending = small.partition("'")
    return pronounced(small) or read_word(whole) + ("스" if ending == "s" else spell(ending))


_DOTTED = {"i.e": "즉", "e.g": "예를 들어", "Ph.D": "피에이치디"}


def _said_before(match: re.Match[str]) -> str | None:
    """앱(App) is 앱 once."""
    return "" if match.string[: match.start()].endswith(read_word(match["word"])) else None


RULES = [
    rule("said", r"(?<=[가-힣])\((?P<word>[A-Za-z]{1,30})\)", _said_before, "A-Za-z"),
    rule("word", r"(?<![A-Za-z])N[oO]\.? ?(?=\d)", "넘버 ", "N"),
    rule(
        "spelled",
        r"(?<![A-Za-z])[A-Z](?:/[A-Z])+(?![A-Za-z])",
        lambda m: spell(m[0].replace("/", "")),
        "/",
    ),
    rule("spelled", r"(?<![A-Za-z])(?:[A-Z]\.){2,}", lambda m: spell(m[0].replace(".", "")), "A-Z"),
    rule(
        "word",
        r"(?:Mr|Mrs|Ms|Dr|Prof|Vol|vol|Tel|vs|etc)\.(?= ?[\w])",
        lambda m: read_word(m[0][:-1]) + ("" if m.string[m.end()] == " " else " "),
        "A-Za-z",
    ),
    rule(
        "word",
        rf"(?<![A-Za-z])(?:{'|'.join(map(re.escape, _DOTTED))})(?![A-Za-z])\.?",
        lambda m: _DOTTED[m[0].rstrip(".")],
        "A-Za-z",
    ),
    rule("word", r"(?<![A-Za-z])[A-Za-z]+(?:-[A-Za-z]+)+", _hyphenated, "A-Za-z"),
    rule("word", r"(?<![A-Za-z])[A-Za-z]+['’][a-z]+(?![A-Za-z])", _apostrophe, "A-Za-z"),
    rule("word", r"[A-Za-z]+", lambda m: read_word(m[0]), "A-Za-z"),
]
