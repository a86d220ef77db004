"""Hanja, jamo typed for a word, and signs that have a name."""

import re
import unicodedata

from speech.korean.changes import rule
from speech.korean.data import pairs
from speech.korean.hanja import is_hanja, read_hanja
from speech.korean.latin import read_word


def _letters(*blocks: tuple[int, int]) -> str:
    return "".join(chr(code) for first, last in blocks for code in range(first, last + 1))


# Unicode's blocks of arrows, and those of lines, boxes, triangles, pointing hands and notes.
_ARROWS = _letters((0x2190, 0x21FF), (0x2794, 0x2794), (0x2798, 0x27BE), (0x27F0, 0x27FF))
_DRAWN = _letters((0x2500, 0x25FF), (0x261A, 0x261F), (0x2669, 0x266C))
# Signs without a sound of their own: what pause, if any, they stand for.
PAUSES = {
    **dict.fromkeys(_ARROWS, ","),
    **dict.fromkeys(_DRAWN, " "),
    ".": ".",
    ",": ",",
    "?": "?",
    "!": "!",
    "。": ".",
    "、": ",",
    ";": ",",
    ":": ",",
    "…": ",",
    "/": ",",
    "—": ",",
    "―": ",",
    "|": ",",
    **dict.fromkeys("·ㆍ・-–~〜∼•※‣", " "),
    **dict.fromkeys("([{<〈《「『【〔", " "),
    # Particles follow these without a space: 한국(서울)은.
    **dict.fromkeys(")]}>〉》」』】〕\"'“”‘’`´*_#", ""),
}
JAMO_NAMES = dict(
    zip(
        "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ",
        (
            "기역 쌍기역 니은 디귿 쌍디귿 리을 미음 비읍 쌍비읍 시옷 쌍시옷 "
            "이응 지읒 쌍지읒 치읓 키읔 티읕 피읖 히읗"
        ).split(),
        strict=True,
    )
)
_VOWELS = dict(
    zip(
        "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ",
        "아애야얘어에여예오와왜외요우워웨위유으의이",
        strict=True,
    )
)
# Drawn out in chats: ㅋㅋㅋ is laughter, not three letters' names.
_BREATHS = {"ㅋ": "크", "ㅎ": "흐", "ㅠ": "흑", "ㅜ": "흑"}
_MOST_BREATHS = 5
_HANJA = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"


def sign_name(letter: str) -> str:
    """What a sign or a single jamo is called; empty where it has no name in Korean."""
    return pairs("symbols").get(letter) or JAMO_NAMES.get(letter) or _VOWELS.get(letter) or ""


def unicode_name(letter: str) -> str:
    """The name of a Greek or Cyrillic letter or of a sign, read as English; others have none."""
    name = unicodedata.name(letter, "")
    if name.startswith(("GREEK", "CYRILLIC")):
        name = name.split(" WITH ")[0].split()[-1]
        return read_word(name.capitalize()) if name.isalpha() else ""
    if unicodedata.category(letter) in ("So", "Sm", "Sc"):
        return " ".join(read_word(word.capitalize()) for word in name.split() if word.isalpha())
    return ""


def _breaths(match: re.Match[str]) -> str:
    return "".join(_BREATHS[letter] for letter in match[0][:_MOST_BREATHS])


def _hanja(match: re.Match[str]) -> str | None:
    return read_hanja(match[0]) if all(map(is_hanja, match[0])) else None


_CHAT = "|".join(sorted(pairs("chat"), key=len, reverse=True))
# Faces drawn with signs are seen and not said.
_FACES = (
    r"\^[_.oㅇ]?\^;*|-[_.]-;*|(?<![\w.])[TㅠㅜㅡㅇO>][_.][TㅠㅜㅡㅇO<](?![\w.])"
    r"|(?<![\w:])[:;]-?[)D(P](?!\w)|;{2,}|ㅡㅡ;*"
)
_COMPANIES = {"주": "주식회사", "사": "사단법인", "재": "재단법인", "유": "유한회사"}
_BRACKETED = re.compile(r"(?<![A-Za-z\d])<[^\s<>][^<>]{0,60}$")
_LONGEST_BRACKET = 64


def _closes(match: re.Match[str]) -> str | None:
    """The > of <주의>: brackets have Hangul in them and no letter or digit close before, as a<b has."""
    before = match.string[max(0, match.start() - _LONGEST_BRACKET) : match.start()]
    inside = _BRACKETED.search(before)
    return "" if inside and re.search("[가-힣]", inside[0]) else None


BRACKETS = [
    rule("bracket", r"(?<![A-Za-z\d])<(?=[^\s<>][^<>]{0,60}>)(?=[^<>]*[가-힣])", " ", "<"),
    rule("bracket", r"(?<=\S)>", _closes, ">"),
]
FACES = [rule("face", _FACES, "", r"\^;:_.ㅡ-")]
RULES = [
    rule("arrow", r"(?<=[\d%가-힣]) ?↑", " 상승", "↑"),
    rule("arrow", r"(?<=[\d%가-힣]) ?↓", " 하락", "↓"),
    rule("hanja", rf"(?<=[가-힣])\([{_HANJA}]+\)", "", _HANJA),
    rule("hanja", rf"[{_HANJA}]+", _hanja, _HANJA),
    rule(
        "company",
        r"\((?P<form>[주사재유])\)|㈜",
        lambda m: f"{_COMPANIES[m['form'] or '주']} ",
        "(㈜",
    ),
    rule(
        "chat",
        rf"(?<![ㄱ-ㅎㅏ-ㅣ])(?:{_CHAT})(?![ㄱ-ㅎㅏ-ㅣ])",
        lambda m: pairs("chat")[m[0]],
        "ㄱ-ㅎ",
    ),
    rule("chat", rf"[{''.join(_BREATHS)}]+", _breaths, "ㅋㅎㅠㅜ"),
]
