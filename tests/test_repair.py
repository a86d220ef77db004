"""Words that sound like a lexicon's entry, and words that only nearly do."""

import random
import time
from dataclasses import replace

import pytest

from speech.korean.reader import Reader
from speech.repair import Entry, repair
from speech.transcript import Segment, Transcript, Word

ENTRIES = (
    Entry("I Reflect", ("아이 리플렉트",)),
    Entry("Z-Remesh", ("지 리메시", "제트 리메시")),
    Entry("Java", ("자바",)),
    Entry("React", ("리액트",)),
    Entry("Docker", ("도커",)),
    Entry("Kubernetes", ("쿠버네티스",)),
    Entry("Spring Boot", ("스프링 부트",)),
    Entry("JPA", ("제이피에이",)),
    Entry("인프런"),
)


@pytest.fixture(scope="module")
def read():
    reader = Reader()
    return lambda text: reader.read(text).reading


def heard(text):
    words = tuple(Word(f" {w}", n, n + 1.0, 0.9 - n / 100) for n, w in enumerate(text.split()))
    segment = Segment(0, 0.0, float(len(words)), f" {text}", words=words)
    return Transcript(text, "ko", 1.0, 10.0, (segment,))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("아이 리플랙트를 써 보겠습니다", "I Reflect를 써 보겠습니다"),
        ("지리매시를 켜고 자바로 갑니다.", "Z-Remesh를 켜고 Java로 갑니다."),
        ("제트 리메쉬 입니다", "Z-Remesh 입니다"),
        ("리엑트는 어렵다", "React는 어렵다"),
        ("쿠버네틱스와 도커를 배웁니다", "Kubernetes와 Docker를 배웁니다"),
        ("스프링부트에서 제이피 에이를 쓰면", "Spring Boot에서 JPA를 쓰면"),
        ("이 아이 리플렉트는 좋다", "이 I Reflect는 좋다"),
        ("인프론에서 배운다", "인프런에서 배운다"),
        ("오늘은 쿠버네티스!", "오늘은 Kubernetes!"),
    ],
)
def test_words_that_sound_like_an_entry_become_its_written_form(read, text, wanted):
    repaired = repair(heard(text), ENTRIES, read)
    assert repaired.text == wanted
    assert repaired.segments[0].text == f" {wanted}"
    assert repaired.repairs


@pytest.mark.parametrize(
    "text",
    [
        "이걸 잡아 보자",  # said as 자바
        "자 바로 갑시다",
        "인프라를 배운다",
        "스프링이 부러졌다",
        "리액션이 좋다",
        "도끼를 들고 독거 중입니다",
        "아이가 리모컨을 들었다",
        "쿠바에 네 번 갔다",
        "Java와 React는 그대로다",
        "제이 씨가 왔다",
        "",
    ],
)
def test_other_words_stay_as_they_are(read, text):
    transcript = heard(text)
    assert repair(transcript, ENTRIES, read) == transcript


def test_times_are_kept_and_each_repair_is_told(read):
    repaired = repair(heard("먼저 지 리매시를 켭니다"), ENTRIES, read)
    words = repaired.segments[0].words
    assert [(one.word, one.start, one.end) for one in words] == [
        (" 먼저", 0.0, 1.0), (" Z-Remesh를", 1.0, 3.0), (" 켭니다", 3.0, 4.0),
    ]  # fmt: skip
    assert words[1].probability == 0.88
    (one,) = repaired.repairs
    assert (one.heard, one.written, one.start, one.end) == ("지 리매시를", "Z-Remesh를", 1.0, 3.0)
    assert 0 < one.distance < 0.1


def test_as_many_words_as_before_keep_a_time_each(read):
    repaired = repair(heard("아이 리플렉트를 켭니다"), ENTRIES, read)
    told = [(one.word, one.start) for one in repaired.segments[0].words]
    assert told == [(" I", 0.0), (" Reflect를", 1.0), (" 켭니다", 2.0)]


def test_without_entries_nothing_is_read(read):
    def refuse(text):
        raise AssertionError(text)

    transcript = heard("아이 리플렉트를 켭니다")
    assert repair(transcript, (), refuse) == transcript


@pytest.mark.slow
def test_an_hour_of_words_against_a_thousand_names_takes_seconds():
    chance = random.Random(1)
    syllables = [chr(chance.randrange(0xAC00, 0xD7A4)) for _ in range(300)]

    def word(least, most):
        return "".join(chance.choices(syllables, k=chance.randint(least, most)))

    entries = [Entry(f"Name{n}", (word(2, 6),)) for n in range(1000)]
    spoken = heard(" ".join(word(1, 5) for _ in range(7000)))
    segments = [
        replace(spoken.segments[0], words=spoken.segments[0].words[n : n + 20])
        for n in range(0, 7000, 20)
    ]
    began = time.process_time()
    repair(replace(spoken, segments=tuple(segments)), entries, lambda text: text)
    assert time.process_time() - began < 10
