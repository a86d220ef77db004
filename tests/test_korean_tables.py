"""The tables of the reader: what stands in them can be said, and nothing stands twice."""

import re
from pathlib import Path

import pytest

from speech.korean import data
from speech.korean.data import rows

TABLES = sorted(Path(data.__file__).with_name("tables").glob("*.tsv"))
SAID = re.compile("[가-힣]+(?: [가-힣]+)*")


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_no_entry_stands_twice_and_a_line_says_what_the_table_is(path: Path) -> None:
    written = [row[0] for row in rows(path.stem)]
    assert len(set(written)) == len(written)
    assert path.read_text("utf-8").startswith("# ")


@pytest.mark.parametrize(
    "name", ["words", "units", "currencies", "symbols", "chat", "hanja", "sounds"]
)
def test_what_is_said_is_hangul(name: str) -> None:
    assert [row for row in rows(name) if not SAID.fullmatch(row[1])] == []


def test_a_respelled_word_keeps_its_length_and_names_its_rule() -> None:
    for written, said, source in rows("sounds"):
        assert len(written) == len(said) and re.fullmatch(r"std|p\d{2}", source)


def test_a_counter_takes_native_numbers_to_a_highest_one_or_none() -> None:
    for _, system, highest, space in rows("counters"):
        assert (system, int(highest) > 0) in {("native", True), ("sino", False)}
        assert space in {"space", "join"}


def test_words_are_in_small_letters() -> None:
    assert all(row[0] == row[0].lower() and row[0].isascii() for row in rows("words"))
