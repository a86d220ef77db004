"""Latin words in Hangul: the examples of the 외래어 표기법, the table, and what no dictionary knows."""

import pytest

from speech.korean.english import by_letters, pronounced
from speech.korean.latin import read_word

# 외래어 표기법 제3장 제1절 제1항-제9항; words that the CMU dictionary has, and says as the rules' own examples do.
EXAMPLES = {
    "cat": "캣",
    "book": "북",
    "setback": "셋백",
    "act": "액트",
    "stamp": "스탬프",
    "cape": "케이프",
    "part": "파트",
    "desk": "데스크",
    "make": "메이크",
    "mattress": "매트리스",
    "bulb": "벌브",
    "land": "랜드",
    "zigzag": "지그재그",
    "signal": "시그널",
    "mask": "매스크",
    "jazz": "재즈",
    "graph": "그래프",
    "olive": "올리브",
    "thrill": "스릴",
    "bathe": "베이드",
    "flash": "플래시",
    "shrub": "슈러브",
    "fashion": "패션",
    "shopping": "쇼핑",
    "vision": "비전",
    "keats": "키츠",
    "odds": "오즈",
    "switch": "스위치",
    "bridge": "브리지",
    "hitchhike": "히치하이크",
    "chart": "차트",
    "virgin": "버진",
    "steam": "스팀",
    "corn": "콘",
    "ring": "링",
    "lamp": "램프",
    "hint": "힌트",
    "ink": "잉크",
    "hanging": "행잉",
    "longing": "롱잉",
    "hotel": "호텔",
    "pulp": "펄프",
    "slide": "슬라이드",
    "film": "필름",
    "helm": "헬름",
    "henley": "헨리",
    "time": "타임",
    "house": "하우스",
    "skate": "스케이트",
    "oil": "오일",
    "boat": "보트",
    "tower": "타워",
    "word": "워드",
    "west": "웨스트",
    "witch": "위치",
    "wool": "울",
    "swing": "스윙",
    "twist": "트위스트",
    "penguin": "펭귄",
    "whistle": "휘슬",
    "quarter": "쿼터",
    "yard": "야드",
    "yellow": "옐로",
    "you": "유",
    "indian": "인디언",
    "union": "유니언",
}
SAID_OTHERWISE = {"mask", "whistle"}  # by the dictionary's American sounds: mæsk, and no h


def test_the_rules_own_examples_are_written_as_they_have_them() -> None:
    wrong = {word: made for word, right in EXAMPLES.items() if (made := pronounced(word)) != right}
    assert wrong.keys() - SAID_OTHERWISE == set()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("Python", "파이썬"),
        ("COMPUTER", "컴퓨터"),
        ("HTML", "에이치티엠엘"),
        ("APIs", "에이피아이스"),
        ("x", "엑스"),
        ("xbcd", "엑스비시디"),
        ("Gangnam", "강남"),
        ("OpenStack", "오픈스택"),
        ("camera", "카메라"),
        ("new", "뉴"),
    ],
)
def test_a_word_is_known_pronounced_or_spelled(word: str, said: str) -> None:
    assert read_word(word) == said


def test_a_word_of_no_dictionary_is_read_by_its_letters_if_it_can_be_said() -> None:
    assert pronounced("kakao") is None
    assert by_letters("kakao") == "카카오"
    assert by_letters("xkcd") is None
    assert by_letters("word" * 20) is None


def test_the_first_and_the_last_word_of_the_dictionary_are_found() -> None:
    assert pronounced("aaa") is not None
    assert pronounced("zywicki") is not None
    assert pronounced("zzzz") is None
