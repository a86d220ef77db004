"""A text, cut into sentences."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.korean.sentences import LONGEST, parts, sentences

BOUNDARIES = Path(__file__).parent / "data" / "korean_boundaries.txt"
MARKED = [
    line.replace("\\n", "\n")
    for line in BOUNDARIES.read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def cut(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(text)]


@pytest.mark.parametrize("marked", MARKED)
def test_a_text_is_cut_at_the_ends_of_sentences(marked: str) -> None:
    assert cut(marked.replace("|", "")) == [piece.strip() for piece in marked.split("|")]


def test_there_are_more_than_a_hundred_marked_ends() -> None:
    assert sum(marked.count("|") for marked in MARKED) > 100


def test_a_text_of_white_space_has_no_sentence() -> None:
    assert sentences(" \n\t ") == []


def test_what_lies_between_two_sentences_is_told() -> None:
    text = "하나. 둘.\n셋.\n\n넷. " + "가나다라 " * 40
    borders = [sentence.border for sentence in sentences(text)]
    assert borders[:4] == ["sentence", "sentence", "paragraph", "sentence"]
    assert borders[4:] == ["clause", "sentence"]


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("가나다라, " * 60, ","),
        ("밥을 먹고 물을 마시고 " * 20, "고"),
        ("오늘은 비가 오는데 우산이 없지만 " * 15, ("데", "지만")),
        ("학교에서 친구들 만나 " * 30, "서"),
        ("3,000,000 " * 40, "0"),
    ],
)
def test_a_long_sentence_is_cut_where_a_speaker_breathes(text: str, ending: str) -> None:
    pieces = cut(text)
    assert all(len(piece) <= LONGEST for piece in pieces)
    assert all(piece.endswith(ending) for piece in pieces[:-1])


def test_the_longest_piece_is_a_parameter() -> None:
    assert [sentence.text for sentence in sentences("가나 다라 마바", 5)] == ["가나 다라", "마바"]
    assert [sentence.text for sentence in sentences("가" * 12, 5)] == ["가" * 5, "가" * 5, "가" * 2]


@given(st.text(alphabet='가나 .,?!"“”()…ㅋ\n1a다요니', max_size=400))
@settings(max_examples=200, deadline=None)
def test_nothing_but_white_space_is_lost_and_each_piece_knows_its_place(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(one.text for one in found).split()) == "".join(text.split())
    for one in found:
        assert one.text and len(one.text) <= LONGEST
        assert text[one.start : one.end] == one.text == one.text.strip()


def test_a_long_text_becomes_parts_of_whole_sentences() -> None:
    text = "오늘은 날씨가 좋습니다. " * 50 + "\n\n" + "내일도 좋습니다. " * 50
    made = parts(text, 200)
    assert all(len(part.text) <= 200 and part.text.endswith("다.") for part in made)
    assert "".join("".join(part.text for part in made).split()) == "".join(text.split())
    spoken = [one.text for part in made for one in sentences(part.text)]
    assert spoken == cut(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", ["오늘은 좋다. ", "가", "“", "(", "“가.” ", "...", "1. ", "\n", "다 ", "A. ", "니다 "]
)
def test_the_work_grows_with_the_length_and_no_faster(shape: str) -> None:
    def cost(length: int) -> float:
        text = (shape * length)[:length]
        began = time.process_time()
        sentences(text)
        return time.process_time() - began

    short = min(cost(10_000) for _ in range(3))
    assert min(cost(100_000) for _ in range(2)) < 10 * 2 * max(short, 0.002)
