"""Numbers as Korean words."""

import pytest

from speech.korean.numbers import decimal, native, one_by_one, sino


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "영"),
        ("10", "십"),
        ("100", "백"),
        ("2024", "이천이십사"),
        ("10000", "만"),
        ("110000", "십일만"),
        ("100000000", "일억"),
        ("320015000", "삼억 이천일만 오천"),
        ("007", "공공칠"),
    ],
)
def test_a_number_is_read_in_sino_korean(digits: str, words: str) -> None:
    assert sino(digits) == words


def test_a_number_longer_than_any_word_for_it_is_read_digit_by_digit() -> None:
    assert sino("1" * 21) == "일" * 21


@pytest.mark.parametrize(
    ("digits", "words"),
    [("1", "한"), ("20", "스무"), ("21", "스물한"), ("99", "아흔아홉"), ("103", "백세")],
)
def test_a_count_is_read_in_native_korean(digits: str, words: str) -> None:
    assert native(digits) == words


def test_from_a_hundred_on_a_count_is_sino_korean() -> None:
    assert native("120") == "백이십"


def test_decimals_and_telephone_digits() -> None:
    assert decimal("3", "14") == "삼 점 일사"
    assert one_by_one("010") == "공일공"
