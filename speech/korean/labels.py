"""Numbers that name a thing: telephones, addresses, versions, models, Roman numerals."""

import re
import unicodedata

from speech.korean.changes import rule
from speech.korean.counters import counted
from speech.korean.latin import read_word
from speech.korean.numbers import ENGLISH_DIGITS, number, one_by_one, sino

_START = r"(?<![\d.,])"
_SECRETS = "비밀번호|인증번호|우편번호|계좌번호|등록번호|운송장번호|주문번호|암호|학번|사번|코드"
_CALLS = "전화|신고|연락|구급|상황실|안전|소방|콜센터|상담"
_GENERATIONS = (
    r"(?:1020|2030|3040|4050|5060|7080|8090|386|486|586)"
    r"(?= ?(?:세대|여성|남성|직장인|청년|청춘|감성|운동권))"
)
_DECIMAL = r"\d+(?:\.\d+(?!\.?\d))?"
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_ROMAN_LETTERS = "\u2160-\u217f"


def _telephone(match: re.Match[str]) -> str:
    plus = "플러스 " if match[0].startswith("+") else ""
    return plus + ", ".join(one_by_one(part) for part in re.findall(r"\d+", match[0]))


def _dotted(numbers: str) -> str:
    return " 점 ".join(sino(part) for part in numbers.split("."))


def _building(match: re.Match[str]) -> str:
    """34-5 as 삼십사의 오 (도로명주소법 시행령: the dash is read 의)."""
    return f"{sino(match['a'])}의 {sino(match['b'])}"


def _model(match: re.Match[str]) -> str:
    """GPT-4, A4, 5G, B737, PM2.5: capitals by name, one digit in English beside them, other numbers as such."""
    parts = re.findall(rf"[A-Za-z]+|{_DECIMAL}", match[0])
    said = []
    for place, part in enumerate(parts):
        beside = "".join(parts[max(place - 1, 0) : place] + parts[place + 1 : place + 2])
        if part.isalpha():
            said.append(read_word(part))
        elif "." in part:
            said.append(number(part))
        elif len(part) == 1 and part != "0" and re.search("[A-Z]", beside):
            said.append(ENGLISH_DIGITS[int(part)])
        else:
            said.append(sino(part))
    return " ".join(said)


def _roman(match: re.Match[str]) -> str | None:
    plain = unicodedata.normalize("NFKC", match["span"]).lower()
    values = [_ROMAN[letter] for letter in plain if letter in _ROMAN]
    if len(values) != len(plain):
        return None
    pairs = zip(values, [*values[1:], 0], strict=True)
    said = sino(str(sum(-value if value < after else value for value, after in pairs)))
    return said if match["gap"] is None else f"{said} "


def _pages(match: re.Match[str]) -> str:
    """p. 35 as 삼십오 쪽."""
    return (
        f"{sino(match['a'])}에서 {sino(match['b'])} 쪽" if match["b"] else f"{sino(match['a'])} 쪽"
    )


def _circled(match: re.Match[str]) -> str:
    """①번 is 일 번: the number of a thing, not 한 번."""
    said = sino(unicodedata.normalize("NFKC", match["span"]))
    return said if match["gap"] is None else f"{said} "


NUMBERS = [
    rule("telephone", r"\+\d{1,3}[- ]\d{1,4}[- ]\d{3,4}[- ]\d{4}(?!\d)", _telephone),
    rule("telephone", _START + r"\(?0\d{1,3}[-) .]{1,2}\d{3,4}[-. ]\d{4}(?!\d)", _telephone),
    rule("telephone", _START + r"(?:0\d{9,10}|1[5-9]\d\d-\d{4})(?!\d)", _telephone),
    rule(
        "telephone",
        _START + rf"(?P<span>1[1-9]\d{{1,2}})(?=번?(?:에|로|으로)? ?(?:{_CALLS}))",
        lambda m: one_by_one(m["span"]),
    ),
    rule(
        "digits",
        _START + rf"(?:{_GENERATIONS}|911(?= ?테러)|88(?= ?올림픽))",
        lambda m: one_by_one(m[0]),
    ),
    rule(
        "season", _START + r"\d\d/\d\d(?= ?시즌)", lambda m: sino(m[0][:2]) + " " + sino(m[0][3:])
    ),
    rule("digits", r"(?<=코로나)[- ]?19(?!\d)", " 일구"),
    rule(
        "page", r"(?<![A-Za-z])[Pp]{1,2}\. ?(?P<a>\d{1,4})(?:[-~–](?P<b>\d{1,4}))?(?![\d.])", _pages
    ),
    rule("digits", _START + r"\d{2,6}(?:-\d{2,7}){2,}(?!\d)", _telephone),
    rule(
        "digits",
        rf"(?:{_SECRETS})(?:는|은|이|가|를|:)? ?(?P<span>\d{{3,}}(?:-\d+)*)(?![\d.,])",
        lambda m: ", ".join(map(one_by_one, m["span"].split("-"))),
    ),
    rule("floor", r"(?<![A-Za-z])B(?P<n>\d{1,2})층", lambda m: f"지하 {sino(m['n'])} 층", "B"),
    rule(
        "version",
        r"(?<![A-Za-z])[vV](?:er\.? ?|\.)?(?P<n>\d+(?:\.\d+)*)(?![\d])",
        lambda m: f"버전 {_dotted(m['n'])}",
    ),
    rule("version", _START + r"\d+(?:\.\d+){2,}(?![\d])", lambda m: _dotted(m[0])),
    rule(
        "address",
        r"(?:(?<=로 )|(?<=길 )|(?<=길)|(?<=동 )|(?<=리 ))(?P<a>\d{1,4})-(?P<b>\d{1,4})(?![\d-])",
        _building,
    ),
    rule("address", _START + r"(?P<a>\d{1,4})-(?P<b>\d{1,4})(?= ?(?:번지|호))", _building),
]
NAMES = [
    rule(
        "ordinal",
        r"(?<![A-Za-z\d])(?P<n>\d{1,2})(?:st|nd|rd|th)(?![A-Za-z])",
        lambda m: counted(m["n"], "번째"),
    ),
    rule(
        "model",
        rf"(?<![A-Za-z\d.,])(?:[A-Za-z]+-?{_DECIMAL}|\d+-?[A-Za-z]+)(?:-?(?:[A-Za-z]+|\d+))*(?![A-Za-z\d])",
        _model,
    ),
    rule(
        "circled",
        r"(?P<span>[①-⑳])(?P<gap>(?=[가-힣])(?![은는이가을를의과와도]))?",
        _circled,
        "①-⑳",
    ),
    rule("roman", rf"(?P<span>[{_ROMAN_LETTERS}]+)(?P<gap>(?=[가-힣]))?", _roman, _ROMAN_LETTERS),
    rule(
        "roman",
        r"(?<=[A-Za-z가-힣] )(?P<span>[IVX]{2,5})(?P<gap>(?=[장부편권]))?(?![A-Za-z\d])",
        _roman,
        "IVX",
    ),
]
