"""How each written thing is said: numbers with what stands around them, Latin words, addresses.

A rule is a pattern over the written text and a function from its match to Hangul. Earlier rules win; what
one has claimed no later one sees.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from speech.korean.latin import read_word, spell
from speech.korean.numbers import DIGITS, decimal, native, one_by_one, sino
from speech.korean.tables import CHAT_JAMO, CURRENCIES, NATIVE_COUNTERS, SYMBOLS, UNITS

INTEGER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
NUMBER = rf"(?:{INTEGER})(?:\.\d+)?"
START = r"(?<![\d.,])"


@dataclass(frozen=True)
class Change:
    """What stands at [start, end) of the text is said as `spoken`."""

    start: int
    end: int
    written: str
    spoken: str
    kind: str


Rule = tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]]


def changes(text: str) -> list[Change]:
    """Every change that the rules make to `text`, in order, none overlapping another."""
    claimed = bytearray(len(text))
    found = []
    for kind, pattern, spoken in RULES:
        for match in pattern.finditer(text):
            start, end = match.span()
            if start < end and not any(claimed[start:end]):
                claimed[start:end] = b"\x01" * (end - start)
                found.append(Change(start, end, match[0], spoken(match), kind))
    return sorted(found, key=lambda change: change.start)


def number(written: str) -> str:
    """1,234.5 as 천이백삼십사 점 오."""
    whole, _, fraction = written.replace(",", "").partition(".")
    return decimal(whole, fraction) if fraction else sino(whole)


def _counted(written: str, counter: str) -> str:
    digits = written.replace(",", "")
    if "." in digits or not _takes_native(int(digits), counter):
        return number(written)
    return native(digits)


def _takes_native(value: int, counter: str) -> bool:
    if counter in ("시", "시간"):
        return 1 <= value <= 12
    if counter == "대":  # 10대 is an age, 3대 are three machines
        return value % 10 != 0
    return value > 0


def _native(match: re.Match[str]) -> str:
    digits, counter = match["n"], match["counter"]
    if counter == "번째" and digits == "1":
        return "첫 번째"
    return f"{_counted(digits, counter)} {counter}"


def _native_range(match: re.Match[str]) -> str:
    first, counter = match["a"], match["counter"]
    if not _takes_native(int(match["n"].replace(",", "").split(".")[0]), counter):
        return f"{number(first)}에서 {_native(match)}"
    return f"{_counted(first, counter)} {counter}에서 {_native(match)}"


def _date(match: re.Match[str]) -> str:
    year, month, day = (str(int(part)) for part in match.group("y", "m", "d"))
    return f"{sino(year)}년 {_month(month)} {sino(day)}일"


def _month(month: str) -> str:
    return {"6": "유월", "10": "시월"}.get(month, f"{sino(month)}월")


def _clock(match: re.Match[str]) -> str:
    hour, minute, second = match["h"], match["m"], match["s"]
    value = int(hour)
    said = [f"{native(str(value)) if 1 <= value <= 12 else sino(str(value))} 시"]
    if int(minute) or second:
        said.append(f"{sino(str(int(minute)))} 분")
    if second:
        said.append(f"{sino(str(int(second)))} 초")
    return " ".join(said)


def _telephone(match: re.Match[str]) -> str:
    plus = "플러스 " if match[0].startswith("+") else ""
    return plus + ", ".join(one_by_one(part) for part in re.findall(r"\d+", match[0]))


def _money(match: re.Match[str]) -> str:
    return f"{number(match['n'])}{match['large'] or ''} {CURRENCIES[match['sign']]}"


def _address(match: re.Match[str]) -> str:
    return " ".join(_address_parts(match[0]))


def _address_parts(address: str) -> Iterator[str]:
    names = {".": "닷", "-": "대시", ":": "콜론", "?": "물음표", "~": "물결"}
    for token in re.findall(r"[A-Za-z]+|\d+|.", re.sub(r"^https?://", "", address)):
        if token.isascii() and token.isalpha():
            yield read_word(token)
        elif token.isdigit():
            yield one_by_one(token, DIGITS[0])
        else:
            yield names.get(token) or SYMBOLS.get(token) or token


def _chat(match: re.Match[str]) -> str:
    return "".join(CHAT_JAMO[letter] for letter in match[0])


def _alternatives(words: list[str] | dict[str, str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_UNIT = rf"(?P<unit>{_alternatives(UNITS)})(?![A-Za-z0-9²³])"
# 번 before these names a thing by its number; counted things take native numbers.
_NOT_NATIVE = r"(?!개월|개년|개국|시즌|장조|대륙|번지|번호|번선|번 ?(?:출구|버스|문제|타자|국도|홈|창구)|배속)"
_COUNTER = rf" ?{_NOT_NATIVE}(?P<counter>{_alternatives(NATIVE_COUNTERS)})"
_TILDE = r" ?[~〜∼] ?"


def _rule(kind: str, pattern: str, spoken: Callable[[re.Match[str]], str]) -> Rule:
    return kind, re.compile(pattern), spoken


RULES: list[Rule] = [
    _rule("negative", r"(?:(?<=\s)|^)[-−](?=\d)", lambda _: "마이너스 "),
    _rule("address", r"https?://[^\s가-힣<>\"')\]]+", _address),
    _rule("address", r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", _address),
    _rule(
        "address",
        r"(?<![\w@])(?:[A-Za-z0-9-]+\.)+(?:com|net|org|kr|io|dev|ai|app)\b(?:/[\w./?=&%-]*\w)?",
        _address,
    ),
    _rule("date", START + r"(?P<y>\d{4})([-./]) ?(?P<m>\d{1,2})\2 ?(?P<d>\d{1,2})(?!\d)", _date),
    _rule("month", START + r"(?P<m>0?6|10)월(?!드)", lambda match: _month(str(int(match["m"])))),
    _rule("telephone", r"\+\d{1,3}[- ]\d{1,4}[- ]\d{3,4}[- ]\d{4}(?!\d)", _telephone),
    _rule("telephone", START + r"0\d{1,2}[-) ]\d{3,4}[- ]\d{4}(?!\d)", _telephone),
    _rule("telephone", START + r"0\d{9,10}(?!\d)|" + START + r"1[5-9]\d\d-\d{4}(?!\d)", _telephone),
    _rule(
        "time",
        START + r"(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?![\d:])",
        _clock,
    ),
    _rule(
        "money",
        rf"(?P<sign>[{''.join(CURRENCIES)}]) ?(?P<n>{NUMBER})(?P<large>[천만억조]*)",
        _money,
    ),
    _rule("range", rf"{START}(?P<a>{NUMBER}){_TILDE}(?P<n>{NUMBER}){_COUNTER}", _native_range),
    _rule(
        "range",
        rf"{START}(?P<a>{NUMBER}){_TILDE}(?P<n>{NUMBER}) ?{_UNIT}",
        lambda m: f"{number(m['a'])}에서 {number(m['n'])} {UNITS[m['unit']]}",
    ),
    _rule(
        "range",
        rf"{START}(?P<a>{NUMBER}){_TILDE}(?P<n>{NUMBER})",
        lambda m: f"{number(m['a'])}에서 {number(m['n'])}",
    ),
    _rule(
        "fraction",
        START + r"(?P<a>\d+)/(?P<b>\d+)(?![/\d])",
        lambda m: f"{sino(m['b'])}분의 {sino(m['a'])}",
    ),
    _rule(
        "ratio",
        START + r"(?P<a>\d+) ?: ?(?P<b>\d+)(?!\d)",
        lambda m: f"{sino(m['a'])} 대 {sino(m['b'])}",
    ),
    _rule(
        "unit",
        rf"{START}(?P<n>{NUMBER}) ?{_UNIT}",
        lambda m: f"{number(m['n'])} {UNITS[m['unit']]}",
    ),
    _rule("count", rf"{START}(?P<n>{NUMBER}){_COUNTER}", _native),
    _rule("number", NUMBER, lambda m: number(m[0])),
    _rule("letters", r"(?<![A-Za-z])(?:[A-Z]\.){2,}", lambda m: spell(m[0].replace(".", ""))),
    _rule("word", r"[A-Za-z]+", lambda m: read_word(m[0])),
    _rule("chat", rf"[{''.join(CHAT_JAMO)}]+", _chat),
]
