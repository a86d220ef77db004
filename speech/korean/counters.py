"""Numbers before what they count: 세 개, 삼 층, 이천이십사년."""

import re

from speech.korean.data import rows
from speech.korean.numbers import LONGEST, native, number, sino

_COUNTERS = {
    counter: (system == "native", int(highest), " " if space == "space" else "")
    for counter, system, highest, space in rows("counters")
}
_MONTHS = {"6": "유월", "10": "시월"}  # 한글 맞춤법 제52항
_ORDINALS = {"1": "첫째", "2": "둘째", "3": "셋째", "4": "넷째"}  # 표준어 규정 제6항
_AGES = re.compile("[1-9]0")
# What may follow a counter in one word; else the letters are the start of another: 2발표, 3시즌, 2모작.
_FOLLOWS = (
    "이|가|은|는|을|를|의|에|도|만|로|으로|와|과|씩|째|쯤|정도|이상|이하|미만|가량|짜리|뿐|까지|부터|마다|당|들|처럼|보다|"
    "라|며|면|나|였|인|입|일|했|하|있|없|요|야|여|네|지|고|다|밖|동안|내|전|후|반|간|남|중|치|용|분량|랑|든|예|뒤|차|더"
)
# Numbers of things, not of how many: 번 before these, and 대 in 3대 과제.
_NAMES = (
    r"번(?= ?(?:출구|버스|문제|타자|국도|홈|창구|게이트|트랙|선수|채널|문항|마을버스|좌석|방|교향곡))|"
    r"대(?= (?:과제|요소|강국|원칙|명절|도시|기업|의무|영양소|악|문화|유산|산업|공약|재벌|왕조|대통령|불가사의))"
)
_VEHICLES = re.compile(
    r"(?:차|버스|트럭|택시|컴퓨터|서버|비행기|자전거|오토바이|카메라|드론|기기|[A-Z])[가-힣]? ?$"
)


_NUMBERED = re.compile(r"(?:답|번호|순서|채널|보기|선택지)[은는이가:]? ?$")  # 정답은 3번


def _pattern(native_ones: bool) -> str:
    names = [name for name, (is_native, *_) in _COUNTERS.items() if is_native is native_ones]
    return "|".join(sorted(names, key=len, reverse=True))


# Sino-Korean ones first where they are longer: 개월 before 개.
COUNTER = (
    rf" ?(?!{_NAMES})(?P<counter>"
    rf"(?:{'|'.join(name for name in _COUNTERS if len(name) > 1 and not _COUNTERS[name][0])})"
    rf"|(?:{_pattern(True)})(?![가-힣])|(?:{_pattern(True)})(?={_FOLLOWS})|(?:{_pattern(False)}))(?!의 \d)"
)


def counted(written: str, counter: str, before: str = "") -> str:
    """ "3" and "개" as 세 개; `before` is the text in front of the number."""
    digits = written.replace(",", "")
    is_native, highest, space = _COUNTERS[counter]
    if len(digits) > LONGEST:
        return f"{number(digits)}{space}{counter}"
    if counter == "월" and digits.isdigit():
        return month(digits)
    if counter == "째" and digits in _ORDINALS:
        return _ORDINALS[digits]
    if counter == "번째" and digits == "1":
        return "첫 번째"
    whole = digits.isdigit() and not digits.startswith("0")
    takes = is_native and whole and (int(digits) <= highest or highest == 99)
    if counter == "대" and _AGES.fullmatch(digits) and not _VEHICLES.search(before):
        takes = False  # 20대 is an age
    if counter == "번" and _NUMBERED.search(before):
        return f"{number(written)}번"
    return f"{native(digits) if takes else number(written)}{space}{counter}"


def month(digits: str) -> str:
    """ "6" as 유월."""
    plain = str(int(digits))
    return _MONTHS.get(plain, f"{sino(plain)}월")


def hour(digits: str) -> str:
    """ "3" as 세 시, "14" as 십사 시."""
    return counted(str(int(digits)), "시")
