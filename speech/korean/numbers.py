"""Numbers as Korean words: Sino-Korean, native Korean, digit by digit."""

DIGITS = "영일이삼사오육칠팔구"
ENGLISH_DIGITS = ("제로", "원", "투", "스리", "포", "파이브", "식스", "세븐", "에이트", "나인")
SMALL = ("", "십", "백", "천")
LARGE = ("", "만", "억", "조", "경")
TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
LONGEST = 4 * len(LARGE)  # digits; beyond it they are read one by one


def sino(digits: str) -> str:
    """A whole number such as "2024" as 이천이십사; "007" and very long ones digit by digit.

    A space follows each 만, 억, 조 (한글 맞춤법 제44항).
    """
    if len(digits) > LONGEST or (len(digits) > 1 and digits.startswith("0")):
        return one_by_one(digits)
    if int(digits) == 0:
        return DIGITS[0]
    groups = _groups(int(digits))
    words = [_group(value, large) for large, value in enumerate(groups) if value]
    return " ".join(reversed(words))


def decimal(whole: str, fraction: str) -> str:
    """ "3" and "14" as 삼 점 일사."""
    return f"{sino(whole or '0')} 점 {one_by_one(fraction, DIGITS[0])}"


def number(written: str) -> str:
    """ "1,234.5" as 천이백삼십사 점 오."""
    whole, _, fraction = written.replace(",", "").partition(".")
    return decimal(whole, fraction) if fraction else sino(whole)


def one_by_one(digits: str, zero: str = "공") -> str:
    """Each digit by its name, as telephone numbers are read."""
    return "".join(zero if digit == "0" else DIGITS[int(digit)] for digit in digits)


def native(digits: str) -> str:
    """A count before a native counter: "3" as 세, "20" as 스무; from 100 on the hundreds are Sino-Korean."""
    value = int(digits)
    if value == 0 or value >= 100_000_000 or digits.startswith("0"):
        return sino(digits)
    hundreds, rest = divmod(value, 100)
    if hundreds and rest >= 10:  # nobody says 백스물두 명
        return sino(digits)
    counted = "스무" if rest == 20 else TENS[rest // 10] + ONES[rest % 10]
    return sino(str(hundreds * 100)) + counted if hundreds else counted


def before_large(written: str, large: str) -> str:
    """The number before 십, 백, 천, 만 and larger: "5" and "천만" as 오천만, "1" and "만" as 만."""
    one = written == "1" and large[0] in "십백천만"
    return ("" if one else number(written)) + large


def _groups(value: int) -> list[int]:
    found = []
    while value:
        value, group = divmod(value, 10_000)
        found.append(group)
    return found


def _group(value: int, large: int) -> str:
    if value == 1 and large == 1:
        return LARGE[1]  # 만, not 일만
    text = ""
    for power in reversed(range(4)):
        digit = value // 10**power % 10
        if digit:
            text += ("" if digit == 1 and power else DIGITS[digit]) + SMALL[power]
    return text + LARGE[large]
