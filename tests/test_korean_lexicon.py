"""Entries of a lexicon: what is written is said as the entry has it, before any rule."""

import time

import pytest

from speech.korean.lexicon import Entry, Lexicon
from speech.korean.reader import Reader

READER = Reader()


def read(text: str, *entries: Entry) -> str:
    return READER.read(text, lexicon=Lexicon(entries)).normalized


def test_an_entry_comes_before_the_rules_and_is_told() -> None:
    entries = Lexicon([Entry("GPT-4", "지피티 사")])
    reading = READER.read("GPT-4와 3명", lexicon=entries)
    assert reading.normalized == "지피티 사와 세 명."
    assert [(one.written, one.spoken, one.kind) for one in reading.changes] == [
        ("GPT-4", "지피티 사", "lexicon"),
        ("3명", "세 명", "count"),
    ]


def test_the_longer_of_two_entries_wins() -> None:
    assert read("목소리방", Entry("목소리", "음성"), Entry("목소리방", "모임")) == "모임."


def test_priority_comes_before_length() -> None:
    low, high = Entry("목소리방", "모임"), Entry("목소리", "음성", priority=1)
    assert read("목소리방", low, high) == "음성방."


def test_of_one_word_twice_the_higher_priority_wins_whatever_the_order() -> None:
    low, high = Entry("AI", "인공 지능"), Entry("AI", "에이 아이", priority=2)
    assert read("AI", low, high) == read("AI", high, low) == "에이 아이."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AI는", "인공 지능는."),
        ("(AI)", "인공 지능."),
        ("AIX", "에이아이엑스."),
        ("KAI", "케이에이아이."),
        ("AI2", "에이아이 투."),
    ],
)
def test_a_whole_word_is_no_part_of_another_but_takes_particles(text: str, said: str) -> None:
    assert read(text, Entry("AI", "인공 지능", whole_word=True)) == said


def test_a_spoken_form_may_hold_what_the_rules_have_to_read() -> None:
    assert read("버스", Entry("버스", "5호 car")) == "오 호 카."


def test_written_forms_are_compared_in_their_plain_form() -> None:
    assert read("ＡＩ", Entry("AI", "지능")) == "지능."
    assert read("AI", Entry("ＡＩ", "지능")) == "지능."


def test_thousands_of_entries_do_not_slow_a_sentence() -> None:
    many = Lexicon(Entry(f"낱말{number}", "말") for number in range(20_000))
    few = Lexicon([Entry("낱말1", "말")])
    text = "오늘 낱말17 하나를 배웠다. " * 50

    def cost(lexicon: Lexicon) -> float:
        began = time.process_time()
        lexicon.changes(text)
        return time.process_time() - began

    assert min(cost(many) for _ in range(5)) < 10 * min(cost(few) for _ in range(5)) + 0.005


def test_an_empty_written_form_changes_nothing() -> None:
    assert read("안녕", Entry("", "말"), Entry("\u200b", "말")) == "안녕."
