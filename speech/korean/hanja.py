"""Hanja in Hangul, by the table of the package `hanja` and the 두음 법칙 (한글 맞춤법 제10-12항)."""

import json
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from hanja.hangul import dooeum

from speech.korean.data import pairs
from speech.korean.hangul import onset

_BEFORE_BU = (3, 12)  # 不 is 부 before ㄷ and ㅈ: 不足, not 不滿
_LENGTHS = (3, 2, 1)  # of the words in tables/hanja.tsv
_IDEOGRAPHS = ("\u4e00", "\u9fff")


def read_hanja(text: str) -> str:
    """A word of Hanja in Hangul; what is in no table stays as it is."""
    said, place = "", 0
    while place < len(text):
        word = next(
            (
                text[place : place + n]
                for n in _LENGTHS
                if text[place : place + n] in pairs("hanja")
            ),
            "",
        )
        if len(word) > 1:
            said += pairs("hanja")[word]
        else:
            said += _sound(text[place], text[place + 1 : place + 2], said[-1:] or " ")
        place += len(word) or 1
    return said


def is_hanja(character: str) -> bool:
    """True for what the table can read."""
    return character in _table()


@cache
def sounds_of_hanja() -> frozenset[str]:
    """The syllables that Hanja have."""
    low, high = _IDEOGRAPHS
    return frozenset(said for character, said in _table().items() if low <= character <= high)


def _sound(character: str, following: str, before: str) -> str:
    sound = pairs("hanja").get(character) or _table().get(character)
    if sound is None:
        return character
    after = _table().get(following, "")
    if character == "不" and after and onset(after) in _BEFORE_BU:
        return "부"
    return str(dooeum(before, sound))


@cache
def _table() -> dict[str, str]:
    # YAML of one shape, each line a pair in JSON's spelling: a fortieth of the time that PyYAML takes.
    path = Path(str(distribution("hanja").locate_file("hanja/table.yml")))
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    table: dict[str, str] = json.loads(f"{{{','.join(line for line in lines if line)}}}")
    return table
