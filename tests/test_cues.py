"""Cues: the rules one by one, and all of them over random words."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.cue_lines import length, wrap
from speech.cue_rules import PRESETS, RANGES, CueRules, preset_of, rules_for
from speech.cues import build
from speech.errors import InvalidRequest
from speech.transcript import Word
from speech.words import Placed, place
from tests.cue_checker import faults


def said(*told):
    """Words from (text, start, end) or (text, start, end, sentence)."""
    return place([Word(w, s, e, 1.0, sentence=n[0] if n else 0) for w, s, e, *n in told])


def evenly(text, seconds=0.5, sentence=0, start=0.0):
    """The words of a text, one after another."""
    return said(
        *(
            (f" {word}", start + n * seconds, start + (n + 1) * seconds, sentence)
            for n, word in enumerate(text.split())
        )
    )


def texts(words, rules=PRESETS["korean"]):
    return [cue.text for cue in build(words, rules)]


def test_a_line_under_half_a_second_takes_the_next_word_whatever_follows():
    long = "가" * 60
    assert texts(said((" 네", 0, 0.499), (f" {long}", 20, 21, 1))) == [f"네 {long}"]
    assert texts(said((" 네", 0, 0.5), (f" {long}", 20, 21, 1))) == ["네", long]


def test_a_line_over_ten_seconds_ends_before_the_next_word():
    assert texts(said((" 가", 0, 10.0), (" 나", 10, 11))) == ["가 나"]
    assert texts(said((" 가", 0, 10.001), (" 나", 11, 12))) == ["가", "나"]


def test_a_new_sentence_starts_a_line_once_it_would_pass_ten_characters():
    nine = said((" 그래요", 0, 1, 0), (" 좋습니다요", 1, 2, 1))
    assert texts(nine) == ["그래요 좋습니다요"]
    eleven = said((" 그래요", 0, 1, 0), (" 정말좋습니다요", 1, 2, 1))
    assert texts(eleven) == ["그래요", "정말좋습니다요"]
    same = said((" 그래요", 0, 1, 0), (" 정말좋습니다요", 1, 2, 0))
    assert texts(same) == ["그래요 정말좋습니다요"]


def test_a_word_that_would_pass_fifty_characters_starts_a_line():
    fifty = " ".join(["가나다라"] * 10) + "마"
    assert len(fifty) == 50
    assert texts(evenly(fifty)) == [fifty]
    assert texts(evenly(fifty + "바")) == [fifty[:44], "가나다라마바"]


def test_a_cue_that_starts_within_half_a_second_starts_at_the_last_ones_end():
    def starts(gap):
        words = said((" 끝났습니다", 0, 1, 0), (" 다음입니다만", 1 + gap, 3, 1))
        return [cue.start_ms for cue in build(words, PRESETS["korean"])]

    assert starts(0.5) == [0, 1000]
    assert starts(0.501) == [0, 1501]


def test_times_are_rounded_to_milliseconds_before_anything_else():
    (cue,) = build(said((" 가", 0.9996, 59.9996)), PRESETS["korean"])
    assert (cue.start_ms, cue.end_ms) == (1000, 60_000)


def test_words_that_overlap_or_go_back_in_time_give_cues_that_do_neither():
    words = said(
        (" 하나", 5, 90, 0), (" 둘입니다그렇지요", 6, 5, 1), (" 셋입니다그래요그렇죠", 2, 3, 2)
    )
    cues = build(words, replace(PRESETS["korean"], min_seconds=0))
    assert [cue.text for cue in cues] == ["하나", "둘입니다그렇지요", "셋입니다그래요그렇죠"]
    assert all(a.start_ms < a.end_ms <= b.start_ms for a, b in pairwise(cues))


def test_a_corrected_word_keeps_the_ids_it_stands_for():
    words = [Placed(Word(" 안녕하세요", 0, 1, 1.0), 0, 2), Placed(Word(" 네", 1, 2, 1.0), 3, 3)]
    (cue,) = build(words, PRESETS["korean"])
    assert (cue.first, cue.last, cue.id) == (0, 3, "0-3")


def test_two_who_talk_at_once_have_cues_of_their_own_that_do_not_overlap():
    words = [Word(f" 말{n}", n, n + 1.0, 1.0, sentence=0) for n in (0, 1, 2, 3, 1, 2)]
    both = place(words, ["A"] * 4 + ["B"] * 2)
    cues = build(both, PRESETS["korean"])
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in cues] == [
        (0, 1000, "말0 말1 말2 말3"), (1000, 3000, "말1 말2"),
    ]  # fmt: skip
    again = build(place(words, "AABBAA"), PRESETS["korean"])
    assert [cue.id for cue in again] == ["0-1", "4-5", "2-3"]


def test_broadcast_lines_have_sixteen_characters_and_half_for_latin():
    rules = PRESETS["broadcast"]
    assert length("한글 abc, 12", True) == 2 + 0.5 * 8
    text = "오늘은 자바 언어의 기초를 배워 보겠습니다 먼저 JDK 25를 설치합니다"
    assert [cue.lines for cue in build(evenly(text), rules)] == [
        ("오늘은 자바 언어의 기초를", "배워 보겠습니다 먼저 JDK 25를"),
        ("설치합니다",),
    ]


def test_two_lines_break_after_a_mark_when_it_is_near_the_middle():
    rules = PRESETS["spaced"]
    text = "When all of it was over, nobody had anything left to say."
    words = [(word, True) for word in text.split()]
    assert wrap(words, rules) == ("When all of it was over,", "nobody had anything left to say.")
    plain = [(word.strip(","), True) for word in text.split()]
    assert wrap(plain, rules) == ("When all of it was over nobody", "had anything left to say.")


def test_a_corrected_word_with_a_space_in_it_may_break_there():
    rules = replace(PRESETS["spaced"], line_chars=8)
    assert wrap([("Z Remesh", True), ("now", True)], rules) == ("Z Remesh", "now")
    assert wrap([("the Z Remesh", True)], rules) == ("the Z", "Remesh")


def test_languages_without_spaces_break_between_characters():
    text = "今日はジャバの基礎を学びます次に画面を見てください"
    words = said(*((c, n * 0.2, n * 0.2 + 0.2) for n, c in enumerate(text)))
    cues = build(words, PRESETS["japanese"])
    assert "".join(cue.text.replace(" ", "") for cue in cues) == text
    assert all(len(line) <= 13 for cue in cues for line in cue.lines)


def test_no_line_starts_with_what_must_not_start_one_where_another_break_fits():
    rules = replace(PRESETS["japanese"], line_chars=8)
    units = [(one, False) for one in "音声認識データを使う"]
    assert wrap(units, rules) == ("音声認識", "データを使う")
    assert wrap(units, replace(rules, line_chars=5)) == ("音声認識デ", "ータを使う")


def test_a_pause_ends_a_cue_where_the_preset_says_so():
    words = said((" well", 0, 1), (" then", 3, 4))
    assert texts(words, PRESETS["spaced"]) == ["well", "then"]
    assert texts(words, replace(PRESETS["spaced"], pause=0.0)) == ["well then"]


def test_a_short_word_before_a_pause_is_not_shown_through_it():
    words = said((" The", 2.5, 2.9), (" Paris", 21.3, 22))
    assert [cue.end_ms for cue in build(words, PRESETS["spaced"])] == [3333, 22133]
    assert texts(words, PRESETS["korean"]) == ["The Paris"]


def test_a_short_cue_stays_on_the_screen_until_the_next_needs_it():
    words = said((" yes", 0, 0.5), (" indeed", 5, 5.2), (" no", 5.6, 8))
    rules = replace(PRESETS["spaced"], min_seconds=0.0, max_chars=7, join_gap=0.0)
    spans = [(cue.start_ms, cue.end_ms) for cue in build(words, rules)]
    assert spans == [(0, 833), (5000, 5600), (5600, 8000)]


def test_every_language_has_a_preset():
    assert [preset_of(one) for one in ("ko", "ja", "zh", "en", "und")] == [
        "korean", "japanese", "chinese", "spaced", "spaced",
    ]  # fmt: skip
    assert rules_for("ko", "broadcast", {"max_lines": 1, "pause": None}).max_lines == 1
    assert rules_for("ko") == CueRules()


@pytest.mark.parametrize(
    ("preset", "changes", "code", "param"),
    [
        ("cinema", {}, "not_one_of", "preset"),
        (None, {"max_words": 3}, "unknown_field", "cue_rules.max_words"),
        (None, {"max_chars": 0}, "out_of_range", "cue_rules.max_chars"),
        (None, {"max_chars": 20.0}, "wrong_type", "cue_rules.max_chars"),
        (None, {"max_chars": True}, "wrong_type", "cue_rules.max_chars"),
        (None, {"half_width": 1}, "wrong_type", "cue_rules.half_width"),
        (None, {"min_seconds": float("nan")}, "out_of_range", "cue_rules.min_seconds"),
    ],
)
def test_a_rule_out_of_its_range_is_refused(preset, changes, code, param):
    with pytest.raises(InvalidRequest) as caught:
        rules_for("ko", preset, changes)
    assert (caught.value.code, caught.value.param) == (code, param)


letters = st.sampled_from([*"가나다라마하한글", *"abcXYZ", *"0123", *".,?!", *"ー漢字の"])
tokens = st.text(letters, min_size=1, max_size=12) | st.text(max_size=4)


@st.composite
def streams(draw):
    """Words that follow one another, with pauses, sentences, and now and then no space before them."""
    now, sentence, words, speakers = draw(st.floats(0, 100)), 0, [], []
    for _ in range(draw(st.integers(0, 60))):
        now += draw(st.sampled_from([0, 0, 0, 0.05, 0.4999, 0.5, 0.6, 2.0, 11.0]))
        lasts = draw(st.floats(0.01, 1.2) | st.sampled_from([0.5, 10.0, 12.0]))
        space = draw(st.sampled_from([" ", " ", " ", ""]))
        start, end = round(now, 3), round(now + lasts, 3)
        words.append(Word(space + draw(tokens), start, end, 1.0, sentence=sentence))
        speakers.append(draw(st.sampled_from("AAAB")))
        sentence += draw(st.sampled_from([0, 0, 0, 1]))
        now = end
    return place(words, speakers if draw(st.booleans()) else "A" * len(words))


some_rules = st.sampled_from(list(PRESETS.values())) | st.builds(
    CueRules,
    **{
        name: st.booleans()
        if name == "half_width"
        else st.integers(int(low), min(int(high), 60))
        if isinstance(getattr(CueRules(), name), int)
        else st.floats(low, min(high, 15)).map(lambda number: round(number, 3))
        for name, (low, high) in RANGES.items()
    },
)


@settings(max_examples=150, deadline=None)
@given(streams(), some_rules)
def test_every_rule_holds_for_every_cue_of_any_stream_of_words(words, rules):
    assert faults(words, build(words, rules), rules) == []


@given(st.lists(st.tuples(tokens, st.floats(-5, 50), st.floats(-5, 50)), max_size=30), some_rules)
def test_no_times_make_cues_that_overlap_or_lose_a_word(told, rules):
    words = said(*((f" {text}", start, end) for text, start, end in told))
    cues = build(words, rules)
    assert all(cue.end_ms > cue.start_ms >= 0 and all(cue.lines) for cue in cues)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(cues))
    assert "".join("".join(cue.text.split()) for cue in cues) == "".join(
        "".join(text.replace("\0", "").split()) for text, _, _ in told
    )
