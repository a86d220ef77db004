"""What is said for what is written."""

import os
import subprocess
import sys
import unicodedata

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


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("사과 13개와 배 3개를 샀다.", "사과 열세 개와 배 세 개를 샀다."),
        ("2024년 6월 5일 오후 3:30", "이천이십사년 유월 오일 오후 세 시 삼십 분."),
        ("2024-03-05", "이천이십사년 삼월 오일."),
        ("010-1234-5678", "공일공, 일이삼사, 오육칠팔."),
        ("₩12,500, $3.5", "만 이천오백 원, 삼 점 오 달러."),
        ("-3.5℃, 습도 37%", "마이너스 삼 점 오 도, 습도 삼십칠 퍼센트."),
        ("100미터를 20세기에 1.5배", "백미터를 이십세기에 일 점 오 배."),
        ("20대 3명, 3번 출구 5번", "이십 대 세 명, 삼번 출구 다섯 번."),
        ("3시간, 24시간", "세 시간, 이십사 시간."),
        ("3~5개, 3~5%", "세 개에서 다섯 개, 삼에서 오 퍼센트."),
        ("1/2, 3:2", "이분의 일, 삼 대 이."),
        ("3만 5천 명", "삼만 오천 명."),
        ("GPU 3대와 Python", "지피유 세 대와 파이썬."),
        ("a@b.com", "에이 골뱅이 비 닷 컴."),
        ("12kg, 3.5 km/h", "십이 킬로그램, 삼 점 오 킬로미터 퍼 아워."),
        ("１２３㎏", "백이십삼 킬로그램."),
        ("ㅋㅋㅋ 좋아요", "크크크 좋아요."),
        ("서울 & 부산 (대구)", "서울 앤드 부산 대구."),
    ],
)
def test_what_is_written_becomes_hangul(reader: Reader, text: str, normalized: str) -> None:
    assert reader.read(text).normalized == normalized


def test_the_sound_rules_are_applied(reader: Reader) -> None:
    assert reader.read("좋은 목소리입니다.").reading == "조은 목쏘리임니다."


def test_taken_apart_letters_read_the_same(reader: Reader) -> None:
    text = "좋은 아침입니다."
    assert reader.read(unicodedata.normalize("NFD", text)) == reader.read(text)


def test_each_change_says_what_stood_where(reader: Reader) -> None:
    (change,) = reader.read("사과 3개").changes
    assert (change.start, change.end, change.written, change.spoken) == (3, 5, "3개", "세 개")


def test_what_has_no_sound_is_told(reader: Reader) -> None:
    reading = reader.read("안녕 漢字")
    assert reading.unknown == ("漢", "字")
    assert reading.normalized == "안녕."


def test_what_has_no_sound_can_be_refused(reader: Reader) -> None:
    with pytest.raises(InvalidRequest) as caught:
        reader.read("안녕 漢字", "reject")
    assert caught.value.fields["characters"] == "漢 字"


def test_a_sign_is_spelled_or_dropped_and_told(reader: Reader) -> None:
    assert reader.read("안녕 😀", "spell").normalized == "안녕 그리닝 페이스."
    assert reader.read("안녕 😀", "drop").unknown == ("😀",)


def test_words_keep_their_written_form_and_find_their_said_words(reader: Reader) -> None:
    assert reader.read("배 3개를 - 샀다.").words == (
        ("배", 0, 1),
        ("3개를 -", 1, 3),
        ("샀다.", 3, 4),
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_in_only_hangul_and_pauses_go_out(text: str) -> None:
    reading = _READER.read(text)
    assert all("가" <= letter <= "힣" or letter in " .,?!" for letter in reading.normalized)
    voice = load_voices(Settings()).find(1)
    assert symbols(reading.reading, voice)[2] == []
    if reading.reading:
        said = len(reading.reading.split(" "))
        assert said == len(reading.normalized.split(" "))
        assert all(0 <= first < last <= said for _, first, last in reading.words)


_READER = Reader()


def test_symbols_are_the_voices_jamo_in_its_own_order() -> None:
    voice = load_voices(Settings()).find(1)
    ids, letters, lacking = symbols("각.", voice)
    assert letters == ["\u1100", "\u1161", "\u11a8", "."]
    assert [voice.symbols[place] for place in ids] == letters
    assert lacking == []


@pytest.mark.slow
def test_every_process_reads_alike_whatever_its_hash_seed() -> None:
    program = (
        "from speech.korean.reader import Reader; r = Reader();"
        "print([r.read(t).reading for t in ('사과 13개와 배 3개', '2024년과 24년 값은 꽃잎', 'GPU 3~5대')])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in range(4)
    }
    assert len(said) == 1


def test_reading_needs_neither_konlpy_nor_a_download() -> None:
    program = (
        "import socket, sys, nltk\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse; nltk.download = refuse\n"
        "from speech.korean.reader import Reader\n"
        "assert Reader().read('Kim 좋은 window').reading\n"
        "assert not [m for m in sys.modules if 'konlpy' in m or m == 'torch']"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
