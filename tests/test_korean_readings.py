"""The table of sentences with their right readings (tests/data/korean_readings.tsv)."""

from collections import Counter
from pathlib import Path

import pytest

from speech.korean.reader import Reader

DATA = Path(__file__).parent / "data"
KINDS = (
    "count sino large negative decimal fraction percent ordinal date time duration range score telephone address "
    "version model won money unit english abbreviation mixed hanja chat url email hashtag markdown emoji"
).split()


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("# Sentences")]


TABLE = rows("korean_readings.tsv")


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.mark.parametrize("kind", sorted({row[0] for row in TABLE}))
def test_every_sentence_of_a_kind_is_read_right(reader: Reader, kind: str) -> None:
    wrong = []
    for _, text, normalized, sounds, _ in (row for row in TABLE if row[0] == kind):
        read = reader.read(text)
        if (read.normalized, read.reading) != (normalized, sounds):
            wrong.append((text, read.normalized, read.reading))
    assert wrong == []


def test_sentences_of_every_day_are_read_right(reader: Reader) -> None:
    wrong = {
        text: said
        for text, said in rows("korean_everyday.tsv")
        if reader.read(text).normalized != said
    }
    assert wrong == {}


def test_every_kind_has_twelve_sentences_and_each_names_its_rule() -> None:
    counts = Counter(row[0] for row in TABLE)
    assert len(TABLE) >= 400
    assert {kind for kind in KINDS if counts[kind] < 12} == set()
    assert all(len(row) == 5 and all(row) for row in TABLE)


def test_no_sentence_stands_twice_nor_in_the_set_that_was_kept_out() -> None:
    texts = [row[1] for row in TABLE]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & {row[1] for row in rows("korean_held_out.tsv")}
