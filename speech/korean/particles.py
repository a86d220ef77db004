"""Particles written in both forms, settled by what is said before them: 을(를), 이/가, (으)로."""

import re

from speech.korean.changes import rule
from speech.korean.hangul import coda, is_syllable

_RIEUL = "\u11af"
# After a consonant, after a vowel.
_PAIRS = (
    "은/는",
    "이/가",
    "을/를",
    "과/와",
    "아/야",
    "으로/로",
    "이랑/랑",
    "이나/나",
    "이라/라",
    "이며/며",
    "이여/여",
)
_BOTH = {
    written: pair
    for pair in _PAIRS
    for one, other in [pair.split("/")]
    for written in (f"{one}({other})", f"{other}({one})", f"{one}/{other}", f"{other}/{one}")
}
_LEFT_OUT = {"(으)": "으/", "(이)": "이/"}


def agree(pair: str, before: str) -> str:
    """The form of 은/는 that follows `before`, a said text; ㄹ takes 로 (한글 맞춤법 and usage)."""
    after_consonant, after_vowel = pair.split("/")
    last = before.rstrip()[-1:]
    tail = coda(last) if last and is_syllable(last) else ""
    if tail == _RIEUL and after_consonant.startswith("으"):
        return after_vowel
    return after_consonant if tail else after_vowel


RULES = [
    rule(
        "particle",
        rf"(?<=[가-힣A-Za-z0-9%)\]*_~`\"'”’])(?:{'|'.join(map(re.escape, _BOTH))})(?![가-힣])",
        lambda m: _BOTH[m[0]],
        "(/",
    ),
    rule(
        "particle",
        r"(?<=[가-힣A-Za-z0-9%)\]*_~`\"'”’])(?:\(으\)(?=[로며면니])|\(이\)(?=[가-힣]))",
        lambda m: _LEFT_OUT[m[0]],
        "(",
    ),
]
