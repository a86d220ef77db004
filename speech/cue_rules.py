"""The numbers that decide where a subtitle cue ends and how it is shown, and presets of them.

`korean` is the default for Korean: lines as a lecture platform found them to read well. The other presets take
their limits from Netflix's Timed Text Style Guides: lines of 16 Korean characters with Latin letters, spaces and
punctuation counted half (https://partnerhelp.netflixstudios.com/hc/en-us/articles/216001127), 13 Japanese, 16
Chinese, 42 in alphabets; two lines, 5/6 to 7 s (https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from speech.errors import InvalidRequest


def _n(default: float, low: float, high: float, help: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "help": help})


@dataclass(frozen=True)
class CueRules:
    """Where cues break and how they are shown; times in seconds, lengths in characters with spaces."""

    pause: float = _n(0.0, 0, 60, "a silence this long ends the cue; 0: none does")
    min_seconds: float = _n(
        0.5, 0, 5, "a cue shorter than this takes the next word, whatever it is"
    )
    max_seconds: float = _n(10.0, 1, 60, "a cue longer than this takes no further word")
    sentence_chars: int = _n(10, 0, 500, "past this length a new sentence starts a new cue")
    max_chars: int = _n(50, 1, 500, "a word that takes the cue past this length starts a new one")
    line_chars: int = _n(0, 0, 500, "longest line; 0: cues are not broken into lines")
    max_lines: int = _n(1, 1, 5, "most lines of a cue")
    half_width: bool = _n(False, 0, 1, "whether what is not full width counts half a character")
    join_gap: float = _n(0.5, 0, 5, "a cue that starts this soon after another starts at its end")
    min_shown: float = _n(0.0, 0, 5, "a cue is shown at least this long where the next leaves room")
    max_cps: float = _n(15.0, 1, 100, "characters a second above which a cue is reported as fast")


_TWO_LINES: dict[str, Any] = {"max_lines": 2, "max_seconds": 7.0, "pause": 2.0, "min_shown": 0.833}
PRESETS: dict[str, CueRules] = {
    "korean": CueRules(),
    "broadcast": CueRules(**_TWO_LINES, max_chars=32, line_chars=16, half_width=True, max_cps=12),
    "spaced": CueRules(**_TWO_LINES, sentence_chars=25, max_chars=84, line_chars=42, max_cps=17),
    "japanese": CueRules(
        **_TWO_LINES, sentence_chars=6, max_chars=26, line_chars=13, half_width=True, max_cps=4
    ),
    "chinese": CueRules(
        **_TWO_LINES, sentence_chars=6, max_chars=32, line_chars=16, half_width=True, max_cps=9
    ),
}
_OF_LANGUAGE = {"ko": "korean", "ja": "japanese", "zh": "chinese", "yue": "chinese"}
# The limits of a rule: name -> (least, most).
RANGES: dict[str, tuple[float, float]] = {
    f.name: (f.metadata["low"], f.metadata["high"]) for f in fields(CueRules)
}


def preset_of(language: str) -> str:
    """The preset for a language, ISO 639-1."""
    return _OF_LANGUAGE.get(language, "spaced")


def rules_for(
    language: str, preset: str | None = None, changes: Mapping[str, Any] | None = None
) -> CueRules:
    """The rules of a preset, by default the language's own, with single numbers changed.

    Raises InvalidRequest("not_one_of"), ("unknown_field"), ("wrong_type") or ("out_of_range").
    """
    name = preset or preset_of(language)
    if name not in PRESETS:
        raise InvalidRequest("not_one_of", param="preset", allowed=", ".join(PRESETS))
    given = {rule: value for rule, value in (changes or {}).items() if value is not None}
    for rule, value in given.items():
        _check(rule, value)
    return replace(PRESETS[name], **given)


def _check(rule: str, value: Any) -> None:
    param = f"cue_rules.{rule}"[:80]
    if rule not in RANGES:
        raise InvalidRequest("unknown_field", param=param, known=sorted(RANGES))
    low, high = RANGES[rule]
    wanted = type(getattr(PRESETS["korean"], rule))
    if wanted is not type(value) and not (wanted is float and type(value) is int):
        kinds = {bool: "true or false", int: "a whole number", float: "a number"}
        raise InvalidRequest("wrong_type", param=param, expected=kinds[wanted])
    if not low <= value <= high:
        raise InvalidRequest("out_of_range", param=param, allowed=f">= {low:g}, <= {high:g}")
