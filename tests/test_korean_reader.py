"""What is said for what is written."""

import os
import subprocess
import sys
import time
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.errors import InvalidRequest
from speech.korean.reader import Reader, symbols
from speech.settings import Settings
from speech.voices import load_voices


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def test_the_sound_rules_are_applied(reader: Reader) -> None:
    assert reader.read("좋은 목소리입니다.").reading == "조은 목쏘리임니다."


def test_taken_apart_letters_read_the_same(reader: Reader) -> None:
    text = "좋은 아침 3개입니다."
    apart = reader.read(unicodedata.normalize("NFD", text))
    assert apart.reading == reader.read(text).reading
    assert [unicodedata.normalize("NFC", word) for word, *_ in apart.words] == text.split()


def test_each_change_says_what_stood_where(reader: Reader) -> None:
    (change,) = reader.read("사과 3개").changes
    assert (change.start, change.end, change.written, change.spoken) == (3, 5, "3개", "세 개")
    assert change.kind == "count"


@pytest.mark.parametrize(
    "text", ["각\u200b 3개", "각 ½컵 ㎏ 3개", "😀 3개", "🇰🇷👨‍👩‍👧 3개", "①②③ 3개"]
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_places_of_changes_are_those_of_the_text_as_it_was_given(
    reader: Reader, text: str, form: Literal["NFC", "NFD"]
) -> None:
    given_text = unicodedata.normalize(form, text)
    change = reader.read(given_text).changes[-1]
    assert given_text[change.start : change.end] == change.written
    assert unicodedata.normalize("NFC", change.written) == "3개"


def test_a_settled_particle_and_a_silent_mark_are_changes_too(reader: Reader) -> None:
    changes = reader.read("**책**을(를)").changes
    assert [(one.written, one.spoken) for one in changes] == [
        ("**", ""),
        ("**", ""),
        ("을(를)", "을"),
    ]


def test_a_text_without_a_stop_gets_one_and_a_piece_of_a_sentence_a_comma(reader: Reader) -> None:
    assert reader.read("밥을 먹고,").reading == "바블 먹꼬."
    assert reader.read("밥을 먹고,", end=",").reading == "바블 먹꼬,"
    assert reader.read("밥을 먹어?", end=",").reading == "바블 머거?"


def test_what_has_no_sound_is_told(reader: Reader) -> None:
    reading = reader.read("안녕 ねこ")
    assert reading.unknown == ("ね", "こ")
    assert reading.normalized == "안녕."


def test_what_has_no_sound_can_be_refused(reader: Reader) -> None:
    with pytest.raises(InvalidRequest) as caught:
        reader.read("안녕 ねこ", "reject")
    assert caught.value.fields["characters"] == "ね こ"


def test_a_sign_without_a_korean_name_is_spelled_dropped_or_refused(reader: Reader) -> None:
    assert reader.read("안녕 ⌂", "spell").normalized == "안녕 하우스."
    assert reader.read("안녕 ⌂", "drop").unknown == ("⌂",)
    with pytest.raises(InvalidRequest):
        reader.read("안녕 ⌂", "reject")


def test_emoji_are_said_by_name_or_not_at_all(reader: Reader) -> None:
    assert reader.read("👨‍👩‍👧 안녕").normalized == "가족 남자 여자 여자 아이 안녕."
    silent = Reader(emoji="silent").read("안녕 🎉")
    assert silent.normalized == "안녕."
    assert [(one.written, one.spoken, one.kind) for one in silent.changes] == [("🎉", "", "emoji")]
    assert silent.unknown == ()


@pytest.mark.parametrize("text", ["안녕하세요, 반갑습니다.", "열세 개를 샀다!", "그래요? 네."])
def test_what_is_hangul_already_stays_as_it_is(reader: Reader, text: str) -> None:
    reading = reader.read(text)
    assert (reading.normalized, reading.changes) == (text, ())


def test_words_keep_their_written_form_and_find_their_said_words(reader: Reader) -> None:
    assert reader.read("배 3개를 - 샀다.").words == (
        ("배", 0, 1),
        ("3개를 -", 1, 3),
        ("샀다.", 3, 4),
    )


SIGNS = "0123456789.,-~:/%#*_[]()<>@+=^'\"₩$€ㅋㅠ가을를이AZaz漢率½Ⅳ😀\u200d\ufe0f·"
ANY_TEXT = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40),
    st.text(alphabet=SIGNS, max_size=40),
)


@given(ANY_TEXT, st.sampled_from(["spell", "drop"]))
@settings(max_examples=400, deadline=None)
def test_whatever_comes_in_only_hangul_and_pauses_go_out(
    text: str, on_unknown: Literal["spell", "drop"]
) -> None:
    reading = _READER.read(text, on_unknown)
    assert all("가" <= letter <= "힣" or letter in " .,?!" for letter in reading.normalized)
    assert symbols(reading.reading, VOICE)[2] == []
    for change in reading.changes:
        assert text[change.start : change.end] == change.written
    if reading.reading:
        said = len(reading.reading.split(" "))
        assert said == len(reading.normalized.split(" "))
        assert all(0 <= first < last <= said for _, first, last in reading.words)


@given(st.text("0123456789.,-~/:% kpMBTgx개원년월만호", min_size=1, max_size=12))
@settings(max_examples=1000, deadline=None)
def test_no_digit_and_no_latin_letter_is_left_out(text: str) -> None:
    assert [letter for letter in _READER.read(text).unknown if letter.isalnum()] == []


@given(ANY_TEXT)
@settings(max_examples=100, deadline=None)
def test_a_text_is_read_whole_or_refused_by_name(text: str) -> None:
    try:
        assert _READER.read(text, "reject").unknown == ()
    except InvalidRequest as error:
        assert error.fields["characters"]


@given(ANY_TEXT)
@settings(max_examples=100, deadline=None)
def test_what_was_read_once_reads_the_same_again(text: str) -> None:
    normalized = _READER.read(text).normalized
    assert _READER.read(normalized).normalized == normalized


@pytest.mark.parametrize(
    "written",
    [
        "{}",
        "{}개",
        "{}월",
        "${}K",
        "{}%",
        "{}/{}",
        "{}~{}명",
        "제{}회",
        "v{}",
        "A{}",
        "{}:{}",
        "{}원",
    ],
)
def test_a_number_of_thousands_of_digits_is_read_digit_by_digit(written: str) -> None:
    reading = _READER.read(written.format("9" * 5_000, "8" * 5_000))
    assert "구" * 5_000 in reading.normalized


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [
        "사과 3개와 배 13개를 2024년 6월 5일에 샀다. ",
        "9",
        "1,",
        "1.",
        "1-",
        "3~",
        "0-0",
        "aB3-",
        "word",
        "supercalifragilistic ",
        "가",
        "((((",
        "[a](",
        "**a",
        "_a_",
        "😀",
        "👨‍👩‍👧",
        "漢",
        "가(漢",
        "ㅋ",
        "을(를)",
        "a.b@",
        "http://a.",
        "<b ",
        "½",
        "e\u0301",
    ],
)
def test_the_work_grows_with_the_length_and_no_faster(shape: str) -> None:
    def cost(length: int) -> float:
        text = (shape * length)[:length]
        began = time.process_time()
        _READER.read(text)
        return time.process_time() - began

    cost(1_000)  # what is cached is cached
    short = min(cost(2_000) for _ in range(3))
    assert min(cost(10_000) for _ in range(2)) < 5 * 2 * max(short, 0.002)


@pytest.mark.slow
def test_a_sentence_takes_less_than_a_millisecond_once_warm() -> None:
    texts = (ROOT / "voice_model" / "eval.txt").read_text("utf-8").splitlines()
    for text in texts:
        _READER.read(text)
    began = time.process_time()
    for text in texts:
        _READER.read(text)
    assert (time.process_time() - began) / len(texts) < 0.001


ROOT = Path(__file__).parent.parent
VOICE = load_voices(Settings()).find(1)
_READER = Reader()


def test_symbols_are_the_voices_jamo_in_its_own_order() -> None:
    ids, letters, lacking = symbols("각.", VOICE)
    assert letters == ["\u1100", "\u1161", "\u11a8", "."]
    assert [VOICE.symbols[place] for place in ids] == letters
    assert lacking == []


@pytest.mark.slow
def test_every_process_reads_alike_whatever_its_hash_seed() -> None:
    table = Path(__file__).parent / "data" / "korean_readings.tsv"
    program = (
        "import hashlib, sys\n"
        "from speech.korean.reader import Reader\n"
        "lines = open(sys.argv[1], encoding='utf-8').read().splitlines()\n"
        "reader = Reader()\n"
        "readings = [reader.read(line.split('\\t')[1]) for line in lines[1:]]\n"
        "print(hashlib.sha256(repr(readings).encode()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, str(table)],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in range(50)
    }
    assert len(said) == 1


def test_reading_needs_neither_konlpy_nor_a_download() -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "from speech.korean.reader import Reader\n"
        "assert Reader().read('Kim 좋은 window').reading\n"
        "assert not {'konlpy', 'nltk', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
