"""The row of a transcript's words: times for those that have none, and where sentences end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.subtitles import from_json, to_json
from speech.transcript import Segment, Transcript, Word
from speech.words import interpolate, sentence_numbers, with_sentences, words_of


def heard(*segments, language="ko", task="transcribe"):
    return Transcript("…", language, 1.0, 10.0, segments, task)


def test_words_between_timed_neighbours_share_the_time_by_their_letters():
    times = [(0.0, 1.0), None, None, (4.0, 5.0)]
    assert interpolate(["가", "나", "다라", "마"], times, (0.0, 5.0)) == [
        (0.0, 1.0, False), (1.0, 2.0, True), (2.0, 4.0, True), (4.0, 5.0, False),
    ]  # fmt: skip


def test_words_at_the_edge_reach_to_the_sentences_bounds():
    assert interpolate(["가", "나", "다"], [None, (2.0, 3.0), None], (1.0, 6.0)) == [
        (1.0, 2.0, True), (2.0, 3.0, False), (3.0, 6.0, True),
    ]  # fmt: skip
    assert interpolate(["가", "나"], [None, None], (1.0, 2.0)) == [
        (1.0, 1.5, True),
        (1.5, 2.0, True),
    ]
    assert interpolate([], [], (0.0, 1.0)) == []


@given(
    st.lists(st.none() | st.integers(0, 20), max_size=20),
    st.tuples(st.floats(-5, 30), st.floats(-5, 30)),
)
def test_interpolated_words_stand_in_order_between_their_neighbours(begins, bounds):
    # Timed words in order, as an aligner gives them, with gaps where it failed.
    now, times = 0.0, []
    for wait in begins:
        times.append(None if wait is None else (now + wait, now + wait + 1.0))
        now += 0.0 if wait is None else wait + 1.0
    found = interpolate(["가나"] * len(times), times, bounds)
    for place, ((start, end, marked), known) in enumerate(zip(found, times, strict=True)):
        assert marked == (known is None)
        assert end >= start
        if marked and place:
            assert start >= found[place - 1][1] - 1e-3
        if not marked:
            assert (start, end) == known


def test_a_segment_without_words_is_cut_at_spaces_or_between_characters():
    korean = words_of(heard(Segment(0, 0.0, 2.0, " 안녕 하세요 ")))
    assert [word.word for word in korean] == [" 안녕", " 하세요"]
    assert {word.time_source for word in korean} == {"interpolated"}
    assert korean[-1].end == 2.0
    japanese = words_of(heard(Segment(0, 0.0, 2.0, "今日は"), language="ja"))
    assert [word.word for word in japanese] == ["今", "日", "は"]
    english = words_of(heard(Segment(0, 0.0, 2.0, " a day"), language="ja", task="translate"))
    assert [word.word for word in english] == [" a", " day"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("안녕하세요. 반갑습니다. 네", [0, 1, 2]),
        ("Dr. Kim said “no.” Then J. left!", [0, 0, 0, 0, 1, 1, 1]),
        ("3.5 is more", [0, 0, 0]),
        ("", []),
    ],
)
def test_without_counts_a_sentence_ends_with_its_mark(text, numbers):
    words = [Word(f" {one}", 0, 0, 1.0) for one in text.split()]
    assert sentence_numbers(words) == numbers


def test_counted_sentences_come_before_marks_and_survive_the_file():
    words = (Word(" 네.", 0, 1, 1.0), Word(" 그래요.", 1, 2, 1.0))
    counted = with_sentences(heard(Segment(0, 0, 2, " 네. 그래요.", words=words)), [4, 4])
    assert sentence_numbers(words_of(counted)) == [4, 4]
    assert from_json(to_json(counted)) == counted
