"""Dates and times of day: 2024-06-05, 3/8(토), 15:30, 9:00~18:00, 3·1절."""

import re

from speech.korean.amounts import BY
from speech.korean.changes import rule
from speech.korean.counters import counted, hour, month
from speech.korean.numbers import DIGITS, one_by_one, sino

_START = r"(?<![\d.,:])"
_CLOCK = r"(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?"
_HALF = {"a": "오전 ", "p": "오후 "}
_EVENTS = "절|운동|부정선거|항쟁|사태|의거|혁명|선언|테러|쿠데타|민주|광복|전쟁|해방|만세"
# With a point these are dates too; others, as 2.7, are numbers.
_POINTED = r"3\.1|3\.15|4\.19|5\.18|6\.10|6\.25|8\.15|10\.26|12\.12"
_DAYS = "월화수목금토일"
_SHORT = r"(?:1[0-2]|[1-9])/(?:3[01]|[12]\d|[1-9])(?![\d/])"
# What makes 11/30 a day and no fraction: a label before it, or what happens until, from or on it. 2/3 stays a fraction
# unless a colon stands before it: 시험 2/3 이상.
_LABEL = (
    r"(?:마감|기한|기간|일정|날짜|일시|접수|발표|개강|종강|시험|\d차)[은는이가일]?(?P<colon>:)? ?"
)
_HAPPENS = r" ?(?:까지|부터|마감|개최|오픈|출시|예정|발표|개강|종강|수능|성탄|크리스마스)"


def _date(match: re.Match[str]) -> str:
    year, months, day = match.group("y", "m", "d")
    if not (1 <= int(months) <= 12 and 1 <= int(day) <= 31):
        return " ".join(sino(part) for part in (year, months, day))
    return f"{sino(year)}년 {_month_and_day(months, day)}"


def _month_and_day(months: str, day: str) -> str:
    return f"{month(months)} {sino(str(int(day)))}일"


def _short_date(match: re.Match[str]) -> str:
    return _month_and_day(match["m"], match["d"])


def _day(match: re.Match[str]) -> str | None:
    months, day = match["day"].split("/")
    if int(months) < int(day) < 13 and not match["colon"]:
        return None
    return _month_and_day(months, day)


def _days(match: re.Match[str]) -> str | None:
    """12/1~12/3 as two days; 1/4~1/2 grows as fractions do, and is left to them."""
    (a, b), (c, d) = (tuple(map(int, match[name].split("/"))) for name in ("a", "b"))
    if a * d < c * b and a < b and c < d and max(b, d) < 13:
        return None
    return f"{_month_and_day(str(a), str(b))}에서 {_month_and_day(str(c), str(d))}"


def clock(written: str) -> str:
    """15:30 as 십오 시 삼십 분."""
    hours, minutes, *seconds = written.split(":")
    said = [hour(hours)]
    if int(minutes) or seconds:
        said.append(counted(str(int(minutes)), "분"))
    if seconds:
        said.append(counted(str(int(seconds[0])), "초"))
    return " ".join(said)


def _half_day(match: re.Match[str]) -> str:
    half = (match["before"] or match["after"])[0].lower()
    return _HALF[half] + (clock(match["t"]) if ":" in match["t"] else hour(match["t"]))


def _memorial(match: re.Match[str]) -> str:
    """3·1절 as 삼일절, 10·26 as 십이륙: the month as a number, the day digit by digit."""
    months, day = re.split("[·ㆍ.]", match[0])
    said = sino(day) if day in ("10", "12") else one_by_one(day, DIGITS[0])
    return sino(months) + said.replace("이육", "이륙")


RULES = [
    rule(
        "duration",
        rf"{_START}(?P<h>\d{{1,3}})h ?(?P<m>[0-5]?\d)m(?:in)?(?![A-Za-z\d²³/])",
        lambda m: f"{counted(m['h'], '시간')} {counted(m['m'], '분')}",
    ),
    rule(
        "date",
        _START + r"(?P<y>\d{4})([-./]) ?(?P<m>\d{1,2})\2 ?(?P<d>\d{1,2})(?!\d|\.\d)\.?(?=\D|$)",
        _date,
    ),
    rule(
        "date", _START + rf"(?P<m>\d{{1,2}})[/.](?P<d>\d{{1,2}})\.?(?=\([{_DAYS}]\))", _short_date
    ),
    rule("date", rf"{_START}(?P<a>{_SHORT}) ?[~∼〜–-] ?(?P<b>{_SHORT})", _days),
    rule("date", rf"{_LABEL}(?P<span>(?P<day>{_SHORT}))", _day),
    rule("date", rf"{_START}(?P<colon>)(?P<day>{_SHORT})(?={_HAPPENS})", _day),
    rule("weekday", rf"(?<=[\d일.])\((?P<day>[{_DAYS}])\)", lambda m: f" {m['day']}요일"),
    rule(
        "memorial",
        rf"{_START}(?:1?\d[·ㆍ](?:1[3-9]|2\d|3[01])(?![\d·ㆍ])"
        rf"|(?:1?\d[·ㆍ][1-3]?\d|{_POINTED})(?= ?(?:{_EVENTS})))",
        _memorial,
    ),
    rule(
        "duration",
        _START + r"(?P<m>\d{1,2})['’′](?P<s>[0-5]\d)[\"”″]",
        lambda m: f"{counted(m['m'], '분')} {counted(m['s'], '초')}",
    ),
    rule(
        "date",
        r"['’](?P<y>\d{2})\. ?(?P<m>1?\d)\. ?(?P<d>[1-3]?\d)\.?(?!\d)",
        lambda m: f"{sino(m['y'])}년 {_short_date(m)}",
    ),
    rule(
        "time",
        rf"(?<![A-Za-z\d])(?:(?P<before>[AaPp]\.?[Mm]\.?) ?)(?P<t>{_CLOCK}|\d{{1,2}}(?=시))시?(?P<after>)(?!\d)",
        _half_day,
    ),
    rule(
        "time",
        rf"{_START}(?P<t>{_CLOCK}|\d{{1,2}}) ?(?P<before>)(?P<after>[AaPp]\.?[Mm](?:\.|\b))(?![A-Za-z])",
        _half_day,
    ),
    rule(
        "time",
        rf"{_START}(?P<a>{_CLOCK}) ?[~∼〜–-] ?(?P<b>{_CLOCK})(?![\d:])",
        lambda m: f"{clock(m['a'])}에서 {clock(m['b'])}",
    ),
    rule("time", rf"{_START}(?P<t>{_CLOCK})(?![\d:])(?!{BY})", lambda m: clock(m["t"])),
]
