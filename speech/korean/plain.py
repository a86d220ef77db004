"""The written text with every letter in its plain form, and where each letter comes from."""

import re
import unicodedata
from dataclasses import dataclass

from speech.korean.data import pairs
from speech.korean.emojis import sequences

# What NFKC would take apart although it has a reading of its own.
_KEPT = re.compile("[\u2160-\u217f\u2460-\u2473\u00b2\u00b3\u2103\u2109\u2116\uffe6\u2122…]")
_FRACTION_SLASH = "\u2044"
# ㉠ folds to a jamo that joins others; alone it is a letter.
_ONSETS = dict(zip(range(0x1100, 0x1113), "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", strict=True))
_POWERS = dict(zip("⁰⁴⁵⁶⁷⁸⁹", "0456789", strict=True))
_HYPHENS = dict.fromkeys("‐‑‒﹣－", "-")
_SILENT = ("Cf", "Cc", "Mn", "Me")  # joiners, selectors, controls, marks
_ORDINARY = re.compile("[\x20-\x7e가-힣\n]*")


@dataclass(frozen=True)
class Plain:
    """Plain letters; `origins[i]` is the place in the text as it was given, and one more behind the last letter."""

    text: str
    origins: tuple[int, ...]


def plain(text: str) -> Plain:
    """NFC; full-width, circled and joined forms as plain letters; digits of any script as 0-9; emoji untouched."""
    if _ORDINARY.fullmatch(text):
        return Plain(text.replace("\n", " "), tuple(range(len(text) + 1)))
    letters: list[str] = []
    origins: list[int] = []
    for start, cluster in _clusters(text):
        made = _plain(cluster)
        if _FRACTION_SLASH in made:  # 1½ is no 11/2
            made = " " * bool(letters and letters[-1].isdigit()) + made.replace(
                _FRACTION_SLASH, "/"
            )
        letters.append(made)
        origins += [start] * len(made)
    return Plain("".join(letters), (*origins, len(text)))


def _clusters(text: str) -> list[tuple[int, str]]:
    """A letter with the marks and jamo that belong to it, or an emoji, and where it starts."""
    found: list[tuple[int, str]] = []
    emoji = sequences(text)
    place = 0
    while place < len(text):
        end = emoji.get(place, place + 1)
        while end < len(text) and end not in emoji and _belongs(text[end]):
            end += 1
        found.append((place, text[place:end]))
        place = end
    return found


def _belongs(letter: str) -> bool:
    return unicodedata.combining(letter) != 0 or "\u1160" <= letter <= "\u11ff"


def _plain(cluster: str) -> str:
    if sequences(cluster):
        return _keycap(cluster) or cluster
    composed = unicodedata.normalize("NFC", cluster)
    return "".join(map(_letter, composed))


def _keycap(cluster: str) -> str:
    """1 in a box is the number."""
    return cluster[0] if cluster[0].isascii() and cluster[0].isdigit() else ""


def _letter(letter: str) -> str:
    if letter in pairs("symbols") or _KEPT.match(letter) or "ㄱ" <= letter <= "ㆎ":
        return letter
    if letter.isspace():
        return " "
    if unicodedata.category(letter) in _SILENT:
        return ""
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    if letter in _POWERS:
        return f"^{_POWERS[letter]}"  # 2⁵ is no 25
    if letter in _HYPHENS:
        return "-"
    folded = unicodedata.normalize("NFKC", letter).translate(_ONSETS)
    base = unicodedata.normalize("NFKD", letter)[0]
    if base.isascii() and base.isalpha() and len(folded) == 1:
        return base  # é as e
    return folded if folded and not any(map(str.isspace, folded)) else letter
