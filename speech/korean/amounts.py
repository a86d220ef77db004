"""Amounts: money, ranges, fractions, scores, units, counts, and numbers alone."""

import re
from decimal import Decimal

from speech.korean.changes import rule
from speech.korean.counters import COUNTER, counted
from speech.korean.data import pairs
from speech.korean.hangul import is_syllable
from speech.korean.numbers import LONGEST, before_large, number, one_by_one, sino
from speech.korean.particles import agree

_INTEGER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_NUMBER = rf"(?:{_INTEGER})(?:\.\d+)?"
_START = r"(?<![\d.,A-Za-z])(?<![A-Za-z]-)"
_TO = r" ?[~∼〜–] ?"
_MINUS = {"-": "마이너스 ", "−": "마이너스 ", "": ""}
_LARGE = r"(?:십|백(?!신|화)|천(?!안|재)|만(?!큼|에 |들|난)|억|조(?=[ \d원]|$)|경(?= ?원))+"
_PARTS = "회|차|조|항|절|장|권|편|과|부|기|호|대|막|집|화|판|급|단계"
_PORTIONS = "컵|스푼|숟갈|큰술|작은술|개|봉지|조각|잔|모|쪽|판|병|마리"
# Units that are words without a number too: kg당, GB 단위.
_WORDS = "kg|mg|km|cm|mm|ml|mL|GB|MB|TB|kWh|kW|Hz|kHz|MHz|GHz|dB|kcal|km/h|ppm"
_SCALES = {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000}
# A dash is a range only before these: 3-4월, but 101-1203.
_DASHED = "월|일|년|시간|시|분|초|개월|개|명|회|번|살|세|층|주|배|장|권|마리|학년|인분|차"
_WON = r"(?:점수|스코어|세트)[은는가이도:]? ?(?P<span>(?P<a>\d{1,3})[-:](?P<b>\d{1,3}))(?![\d-])"
# 25:20으로 이겼다: what stands before these is a score, no time of day.
BY = (
    r" ?(?:무승부|동점)|(?:으로|로) ?(?:이기|이겼|이긴|졌|지고|지는|패|승|꺾|누르|눌|앞|뒤|끝|마쳤|비겼|역전)"
    r"| ?(?:승리|패배|승|패)(?![가-힣])"
)


def _any(signs: dict[str, str]) -> str:
    return "|".join(map(re.escape, sorted(signs, key=len, reverse=True)))


_UNIT = rf"(?P<unit>{_any(pairs('units'))})(?![A-Za-z0-9²³])"
_MONEY = _any(pairs("currencies"))


def _money(match: re.Match[str]) -> str:
    """$3.50 as 삼 점 오 달러, $2.5B as 이십오억 달러."""
    written, scale = match["n"].replace(",", ""), match["scale"] or ""
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    if scale and len(written) <= LONGEST:
        written = f"{(Decimal(written) * _SCALES[scale]).normalize():f}"
    large = match["large"] or ""
    amount = before_large(written, large) if large else number(written)
    return f"{amount} {pairs('currencies')[match['sign']]}"


def _count(match: re.Match[str]) -> str:
    text, (start, end) = match.string, match.span()
    said = counted(match["n"], match["counter"], text[max(start - 12, 0) : start])
    before = " " if start and is_syllable(text[start - 1]) else ""  # 오후3시
    return f"{before}{said} " if text[end : end + 1].isdigit() else before + said  # 9초58


def _tens(match: re.Match[str]) -> str | None:
    """2~30분 as 이삼십 분: the tens are said once."""
    first, last = match["a"], match["b"]
    return f"{sino(first)}{sino(last + '0')} " if int(last) == int(first) + 1 else None


def _count_range(match: re.Match[str]) -> str:
    first, last, counter = match["a"], match["n"], match["counter"]
    return f"{counted(first, counter)}에서 {counted(last, counter)}"


def _dash_range(match: re.Match[str]) -> str | None:
    return _count_range(match) if int(match["a"]) < int(match["n"]) else None


def _unit_range(match: re.Match[str]) -> str:
    unit = pairs("units")[match["unit"]]
    low, high = _MINUS[match["less"]], _MINUS[match["more"]]
    return f"{low}{number(match['a'])}에서 {high}{number(match['n'])} {unit}"


def _calculation(match: re.Match[str]) -> str:
    said = {"+": "더하기", "-": "빼기", "−": "빼기", "×": "곱하기", "*": "곱하기", "÷": "나누기"}
    return f" {said[match[0].strip()]} "


def _power(match: re.Match[str]) -> str:
    return {"2": " 제곱", "3": " 세제곱"}.get(match["n"], f" {sino(match['n'])}제곱")


def _fraction(match: re.Match[str]) -> str:
    said = f"{sino(match['b'])}분의 {sino(match['a'])}"
    if match["whole"]:
        whole = sino(match["whole"])
        said = f"{whole}{agree('과/와', whole)} {said}"
    return said if match["of"] is None else f"{said} "


def _ordinal(match: re.Match[str]) -> str:
    return f"제{sino(match['n'])}" + (f" {match['what']}" if match["what"] else "")


def _versus(match: re.Match[str]) -> str:
    return f"{sino(match['a'])} 대 {sino(match['b'])}"


def _fractions(match: re.Match[str]) -> str:
    a, b, c, d = map(sino, match.group("a", "b", "c", "d"))
    return f"{b}분의 {a}에서 {d}분의 {c}"


RULES = [
    rule(
        "pressure",
        r"혈압[은이가]? ?(?P<span>(?P<a>\d{2,3})/(?P<b>\d{2,3}))(?!\d)",
        lambda m: f"{sino(m['a'])}에 {sino(m['b'])}",
    ),
    rule(
        "range",
        rf"{_START}(?P<span>(?P<a>[2-8]){_TO}(?P<b>[3-9])0)(?=여?[대명개분년초세])",
        _tens,
    ),
    rule(
        "money",
        rf"(?P<sign>{_MONEY}) ?(?P<n>{_NUMBER})(?:(?P<large>{_LARGE})|(?P<scale>[KMB])(?![A-Za-z]))?",
        _money,
    ),
    rule(
        "money",
        rf"{_START}(?P<n>{_NUMBER})(?P<large>)(?P<scale>) ?(?P<sign>{_MONEY})(?![A-Za-z])",
        _money,
    ),
    rule(
        "fraction", rf"{_START}(?P<a>\d+)/(?P<b>\d+){_TO}(?P<c>\d+)/(?P<d>\d+)(?![/\d])", _fractions
    ),
    rule("score", _WON, _versus),
    rule("score", rf"{_START}(?P<a>\d{{1,3}}) ?[-:] ?(?P<b>\d{{1,3}})(?={BY})", _versus),
    rule(
        "score",
        rf"{_START}(?P<a>\d+) ?대 ?(?P<b>\d+)(?!\d| ?(?:명|개|마리|사람|번|시|원|살|만|천))",
        _versus,
    ),
    rule("ordinal", rf"(?<![가-힣])제(?P<n>\d+)(?P<what>{_PARTS})?", _ordinal),
    rule("offer", r"(?<!\d)1\+1(?=\D{0,2}(?:행사|이벤트|상품|세일|증정))", "원 플러스 원"),
    rule("equation", r"(?<=\d) ?= ?(?=[-−]?\d)", "은/는 "),
    rule(
        "equation",
        r"(?<=\d) ?[+×*÷] ?(?=\d)|(?<=[\da-z²³)]) [-−] (?=\d)|(?<=\d)[-−](?=\d+ ?=)",
        _calculation,
    ),
    rule("range", rf"{_START}(?P<a>{_NUMBER}){_TO}(?P<n>{_NUMBER}){COUNTER}", _count_range),
    rule(
        "range",
        rf"{_START}(?P<a>\d{{1,4}})-(?P<n>\d{{1,4}})(?=(?:{_DASHED})){COUNTER}",
        _dash_range,
    ),
    rule(
        "range",
        rf"{_START}(?P<a>{_NUMBER}){_TO}(?P<n>{_NUMBER})(?P<large>{_LARGE})",
        lambda m: f"{before_large(m['a'], m['large'])}에서 {before_large(m['n'], m['large'])}",
    ),
    rule(
        "range",
        rf"(?:(?<=\s)|^)(?P<less>[-−]?)(?P<a>{_NUMBER}){_TO}(?P<more>[-−]?)(?P<n>{_NUMBER}) ?{_UNIT}",
        _unit_range,
    ),
    rule(
        "range",
        rf"{_START}(?P<a>{_NUMBER}){_TO}(?P<n>{_NUMBER})(?![,.]?\d)(?! ?{_UNIT})",
        lambda m: f"{number(m['a'])}에서 {number(m['n'])}",
    ),
    rule(
        "range",
        r"(?<=[\d가-힣A-Za-z%℃²³])(?<![요다네야지죠어아])[~∼〜](?=[\d가-힣A-Za-z])"
        r"|(?<=[\d가-힣%)]) ~ (?=[\d가-힣A-Za-z])|(?<=\))[~∼〜](?=\d)",
        "에서 ",
        "~∼〜",
    ),
    rule("negative", r"(?:(?<=[\s(~])|^)[-−](?=\d)", "마이너스 "),
    rule("fraction", r"(?P<n>[1-4])/4(?=분기)", lambda m: f"{sino(m['n'])}사"),
    rule("fraction", r"(?<![\d.,])1/(?P<n>[nN])(?![A-Za-z])", "엔분의 일"),
    rule("fraction", rf"{_START}(?P<b>\d+)분의(?=\d)", lambda m: f"{sino(m['b'])}분의 "),
    rule(
        "fraction",
        rf"{_START}(?:(?P<whole>\d{{1,2}}) )?(?P<a>\d+)/(?P<b>\d+)(?![/\d])(?P<of>(?={_PORTIONS}))?",
        _fraction,
    ),
    rule("ratio", _START + r"(?P<a>\d+) ?: ?(?P<b>\d+)(?!\d)", _versus),
    rule(
        "unit",
        rf"{_START}(?P<n>{_NUMBER}) ?{_UNIT}",
        lambda m: f"{number(m['n'])} {pairs('units')[m['unit']]}",
    ),
    rule("power", r"(?<=[\dA-Za-zα-ω)])\^(?P<n>\d+)", _power),
    rule("count", rf"{_START}(?P<n>{_NUMBER}){COUNTER}", _count),
    rule("count", rf"(?<=\d,)(?P<n>\d{{1,2}}){COUNTER}", _count),
    rule(
        "number",
        rf"{_START}(?P<n>{_NUMBER})(?P<large>{_LARGE})(?P<on>(?=[원명\d]))?",
        lambda m: before_large(m["n"], m["large"]) + ("" if m["on"] is None else " "),
    ),
]
PLAIN = [
    rule(
        "unit",
        rf"(?<![A-Za-z\d])(?P<unit>{_WORDS})(?![A-Za-z\d/])",
        lambda m: pairs("units")[m["unit"]],
        "A-Za-z",
    ),
    rule("number", rf"{_NUMBER}", lambda m: number(m[0])),
    # What other rules left of a number: the .5 of 2/3.5.
    rule(
        "number",
        r"\d|(?<=\d)\.\d+",
        lambda m: f" 점 {one_by_one(m[0][1:], '영')}" if m[0][0] == "." else one_by_one(m[0]),
    ),
]
