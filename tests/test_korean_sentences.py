"""A text, cut into sentences."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.korean.sentences import LONGEST, paragraphs, sentences


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("안녕하세요. 반갑습니다!", 2),
        ("원주율은 3.14입니다. 끝.", 2),
        ("www.example.com 으로 오세요.", 1),
        ('그는 "안녕. 잘 가." 하고 말했다.', 1),
        ("“정말?” 그가 물었다.", 2),
        ("했다.그리고 갔다.", 2),
        ("Dr. Kim 왔다.", 1),
        ("첫 줄\n둘째 줄", 2),
        ("정말?! 네...", 2),
        ("  ", 0),
    ],
)
def test_a_text_is_cut_at_the_ends_of_sentences(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_a_sentence_without_an_end_is_cut_where_a_speaker_breathes() -> None:
    pieces = sentences("가나다라, " * 60)
    assert all(len(piece) <= LONGEST for piece in pieces)
    assert all(piece.endswith(",") for piece in pieces)


@given(st.text(alphabet='가나 .,?!"“”\n1a다요', max_size=400))
@settings(max_examples=200, deadline=None)
def test_nothing_but_white_space_is_lost(text: str) -> None:
    cut = sentences(text)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(cut) and all(len(piece) <= LONGEST for piece in cut)


def test_a_long_text_becomes_parts_of_whole_sentences() -> None:
    text = "오늘은 날씨가 좋습니다. " * 100
    parts = paragraphs(text, 200)
    assert all(len(part) <= 200 and part.endswith("다.") for part in parts)
    assert " ".join(parts) == text.strip()
