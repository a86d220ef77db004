"""Syllables of words by their length."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from speech.syllables import syllables
from speech.transcript import Word


def told(text, start=1.0, end=2.0):
    return [(one.word, one.start, one.end) for one in syllables(Word(text, start, end, 0.9))]


def test_syllables_share_a_words_time_and_are_marked():
    assert told(" 안녕하세") == [
        ("안", 1.0, 1.25),
        ("녕", 1.25, 1.5),
        ("하", 1.5, 1.75),
        ("세", 1.75, 2.0),
    ]
    assert {one.time_source for one in syllables(Word(" 안녕", 0, 1, 0.9))} == {"split"}


def test_marks_belong_to_the_syllable_before_them():
    assert told(" 네.") == [("네.", 1.0, 2.0)]
    assert [text for text, _, _ in told(" “3개”,")] == ["“", "3", "개”,"]


def test_decomposed_hangul_is_composed_first():
    assert [text for text, _, _ in told("각각")] == ["각", "각"]


def test_no_text_has_no_syllables():
    assert told(" ") == []


@given(st.text(max_size=20), st.floats(0, 100), st.floats(0, 5))
def test_syllables_fill_their_word_in_order(text, start, lasts):
    found = told(text, round(start, 3), round(start + lasts, 3))
    assert all(b <= e for _, b, e in found)
    assert all(a[2] == b[1] for a, b in pairwise(found))
