"""Lexicon entries: in the store, as CSV, and in what is said."""

from pathlib import Path
from typing import Any

import pytest

from speech import lexicon_rows
from speech.errors import Conflict, InvalidRequest, NotFound, TooLarge
from speech.korean.reader import Reader
from speech.lexicon import NewEntry, from_csv, to_csv
from speech.store import JobStore
from tests.test_speak import attempt, done
from worker.lexicons import Lexicons
from worker.speak import speak

READER = Reader()
GPT = NewEntry("GPT-4", "우리 지피티", ("gpt4",))


def add(store: JobStore, new: NewEntry, tenant: str = "default", most: int = 10) -> Any:
    with store.writing() as tx:
        return lexicon_rows.add(tx, tenant, new, most)


def version(store: JobStore, tenant: str = "default") -> int:
    with store.db.read() as connection:
        return lexicon_rows.version(connection, tenant)


def normalized(lexicons: Lexicons, text: str, member: int = 1, tenant: str = "default") -> str:
    return READER.read(text, lexicon=lexicons.of(tenant, member)).normalized


def test_a_word_and_its_aliases_are_said_as_the_entry_has_it(store: JobStore) -> None:
    lexicons = Lexicons(store)
    before = normalized(lexicons, "gpt4")
    add(store, GPT)
    assert normalized(lexicons, "GPT-4") == normalized(lexicons, "gpt4") == "우리 지피티." != before


def test_a_change_is_seen_by_the_next_attempt(store: JobStore) -> None:
    lexicons, made = Lexicons(store), add(store, GPT)
    assert normalized(lexicons, "GPT-4") == "우리 지피티."
    with store.writing() as tx:
        lexicon_rows.change(tx, "default", made.id, NewEntry("GPT-4", "남의 지피티"))
    assert normalized(lexicons, "GPT-4") == "남의 지피티."
    with store.writing() as tx:
        lexicon_rows.remove(tx, "default", made.id)
    assert normalized(lexicons, "GPT-4") != "남의 지피티."
    assert version(store) == 3


def test_a_members_own_entry_wins_and_is_nobody_elses(store: JobStore) -> None:
    lexicons = Lexicons(store)
    add(store, NewEntry("목소리방", "모임", priority=5))
    add(store, NewEntry("목소리방", "음성방", member=2))
    assert normalized(lexicons, "목소리방", 1) == "모임."
    assert normalized(lexicons, "목소리방", 2) == "음성방."


def test_tenants_do_not_hear_each_other(store: JobStore) -> None:
    lexicons, made = Lexicons(store), add(store, GPT, "acme")
    assert normalized(lexicons, "GPT-4") != "우리 지피티."
    assert normalized(lexicons, "GPT-4", tenant="acme") == "우리 지피티."
    with pytest.raises(NotFound), store.writing() as tx:
        lexicon_rows.remove(tx, "default", made.id)
    assert (version(store), version(store, "acme")) == (0, 1)


def test_a_word_has_one_entry_for_each_member(store: JobStore) -> None:
    add(store, GPT)
    other = add(store, NewEntry("GPT-4", "남의 지피티", member=1))
    with pytest.raises(Conflict):
        add(store, GPT)
    with pytest.raises(Conflict), store.writing() as tx:
        lexicon_rows.change(tx, "default", other.id, GPT)
    assert version(store) == 2


def test_a_full_lexicon_takes_no_more(store: JobStore) -> None:
    add(store, GPT, most=1)
    with pytest.raises(TooLarge):
        add(store, NewEntry("AI", "인공 지능"), most=1)


def test_many_come_at_once_and_replace_what_has_their_word(store: JobStore) -> None:
    add(store, GPT)
    add(store, NewEntry("AI", "에이아이"))
    new = [NewEntry("GPT-4", "남의 지피티"), NewEntry("BTS", "방탄소년단")]
    with store.writing() as tx:
        assert lexicon_rows.take(tx, "default", new, 10, False) == {
            "created": 1,
            "changed": 1,
            "removed": 0,
        }
    with store.writing() as tx:
        assert lexicon_rows.take(tx, "default", new, 2, True) == {
            "created": 0,
            "changed": 2,
            "removed": 1,
        }
    with pytest.raises(TooLarge), store.writing() as tx:
        lexicon_rows.take(tx, "default", [NewEntry(str(n), "수") for n in range(3)], 2, True)
    with store.db.read() as connection:
        found = lexicon_rows.page(connection, "default")
    assert [(one.written, one.spoken) for one in found] == [
        ("BTS", "방탄소년단"),
        ("GPT-4", "남의 지피티"),
    ]


def test_pages_follow_one_another(store: JobStore) -> None:
    for number in range(5):
        add(store, NewEntry(f"낱말{number}", "말", member=number % 2))
    with store.db.read() as connection:
        first = lexicon_rows.page(connection, "default", limit=3)
        rest = lexicon_rows.page(connection, "default", after=first[-1].id)
        some = lexicon_rows.page(connection, "default", written="낱말1")
        mine = lexicon_rows.page(connection, "default", member=1)
    assert [one.written for one in (*first, *rest)] == [f"낱말{number}" for number in range(5)]
    assert [one.written for one in some] == ["낱말1"]
    assert [one.written for one in mine] == ["낱말1", "낱말3"]


def test_csv_reads_back_what_it_wrote() -> None:
    entries = [
        GPT,
        NewEntry('따옴표 "안"', "쉼표, 줄\n바꿈", (), "명사", -3, True, 2),
    ]
    told = [fields for _, fields in from_csv(to_csv(entries))]
    assert told[0]["aliases"] == ["gpt4"]
    assert NewEntry(**told[1]) == entries[1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("written,spoken,color\nA,B,C\n", 1),
        ("spoken\nB\n", 1),
        ("", 1),
        ("written,spoken\nA,B\nA,B,C\n", 3),
        ("written,spoken,priority\nA,B,high\n", 2),
        ("written,spoken,whole_word\nA,B,maybe\n", 2),
        ('written,spoken\n"A,B\n', 1),
    ],
)
def test_a_csv_that_cannot_be_read_says_where(text: str, line: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        list(from_csv(text))
    assert (caught.value.code, caught.value.fields["line"]) == ("lexicon_csv", line)


def test_a_job_says_which_entry_changed_what(store: JobStore, tmp_path: Path) -> None:
    made = add(store, GPT)
    lexicons = Lexicons(store)
    asked = attempt(tmp_path, {"input": "GPT-4와 3명"})
    asked.lexicon = lambda member: lexicons.of("default", member)
    changes = done(speak(asked)).result["changes"]
    assert changes[0] == {
        "start": 0,
        "end": 5,
        "from": "GPT-4",
        "to": "우리 지피티",
        "entry": made.id,
    }
    assert changes[1]["rule"] == "count"
