"""Corrections over words: ids are kept, times are kept or shared, and nothing is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.corrections import Correction, correct, diff, find, pairs, text_of
from speech.cue_rules import PRESETS
from speech.cues import build
from speech.transcript import Word
from speech.words import place


def heard(text):
    return place([Word(f" {w}", n, n + 1.0, 0.9, sentence=0) for n, w in enumerate(text.split())])


def change(first, last, text, before=""):
    return Correction(
        "c", "j", first, last, 0.0, 1.0, before, text, 0, "accepted", 1, "somebody", 0.0
    )


def told(words):
    return [
        (one.first, one.last, one.word.word.strip(), one.word.start, one.word.time_source)
        for one in words
    ]


def test_words_that_stay_keep_their_times_and_ids():
    words = correct(heard("아이 리플렉트 좋아요 네"), change(0, 2, "I Reflect 좋아요"), "ko")
    assert told(words) == [
        (0, 0, "I", 0.0, "engine"),
        (1, 1, "Reflect", 1.0, "engine"),
        (2, 2, "좋아요", 2.0, "engine"),
        (3, 3, "네", 3.0, "engine"),
    ]


def test_fewer_words_share_the_ids_and_the_time_of_those_they_replace():
    words = correct(heard("아이 리플 렉트 좋아요"), change(0, 3, "I-Reflect 좋아요"), "ko")
    assert told(words) == [
        (0, 2, "I-Reflect", 0.0, "interpolated"), (3, 3, "좋아요", 3.0, "engine"),
    ]  # fmt: skip
    assert words[0].word.end == 3.0


def test_more_words_stay_together_with_those_they_replace():
    words = correct(heard("지리멕시 네"), change(0, 0, "Z Remesh"), "ko")
    assert told(words) == [
        (0, 0, "Z Remesh", 0.0, "interpolated"), (1, 1, "네", 1.0, "engine"),
    ]  # fmt: skip


def test_words_put_in_stay_with_a_neighbour():
    assert (
        text_of(correct(heard("좋아요 네"), change(0, 1, "정말 좋아요 네"), "ko"))
        == "정말 좋아요 네"
    )
    assert told(correct(heard("네 네"), change(0, 1, "네 정말 네"), "ko"))[0][2] == "네 정말"


def test_an_empty_text_removes_words_but_not_their_ids():
    words = correct(heard("가 시청해 주셔서 나"), change(1, 2, ""), "ko")
    assert text_of(words) == "가 나"
    assert [cue.id for cue in build(words, PRESETS["korean"])] == ["0-3"]
    again = correct(words, change(1, 2, "다시 쓴 글"), "ko")
    assert text_of(again) == "가 다시 쓴 글 나"


def test_languages_without_spaces_get_none():
    words = place([Word(c, n, n + 1.0, 0.9) for n, c in enumerate("今日は良い")])
    assert text_of(correct(words, change(3, 4, "晴れです"), "ja")) == "今日は晴れです"


def test_what_was_corrected_before_can_only_be_named_whole():
    words = correct(heard("가 나 다 라"), change(1, 2, "하나"), "ko")
    assert correct(words, change(0, 1, "다른"), "ko") is None
    assert find(words, 2, 3) is None
    assert find(words, 1, 2) == (1, 2)
    assert [find(words, *span) for span in ((3, 1), (0, 9), (-1, 0))] == [None, None, None]


@given(
    st.lists(st.sampled_from("가나다라"), min_size=1, max_size=12),
    st.data(),
    st.lists(st.sampled_from("가나마바"), max_size=12),
)
def test_any_correction_says_what_was_asked_and_loses_no_id(old, data, new):
    first = data.draw(st.integers(0, len(old) - 1))
    last = data.draw(st.integers(first, len(old) - 1))
    words = correct(heard(" ".join(old)), change(first, last, " ".join(new)), "ko")
    assert text_of(words) == " ".join([*old[:first], *new, *old[last + 1 :]])
    ids = [number for one in words for number in range(one.first, one.last + 1)]
    assert ids == list(range(len(old)))
    assert all(a.word.end <= b.word.start for a, b in pairwise(words))
    # A cue's range can be corrected again whatever the rules were.
    for cue in build(words, PRESETS["broadcast"]):
        assert find(words, cue.first, cue.last) is not None


def test_a_diff_names_only_what_changed():
    assert diff("지리멕시 를 씁니다 네", "Z-Remesh 를 씁니다") == [
        {"op": "replace", "before": "지리멕시", "after": "Z-Remesh"},
        {"op": "delete", "before": "네", "after": ""},
    ]


@pytest.mark.parametrize("count", [0, 3])
def test_pairs_for_the_lexicon_are_counted(count):
    same = [change(0, 1, "Z-Remesh 입니다", "지리멕시 입니다")] * count
    more = [change(0, 0, "네 그래요", "네")]  # nothing was replaced
    expected = [{"heard": "지리멕시", "written": "Z-Remesh", "times": count}] if count else []
    assert pairs([*more, *same]) == expected
