"""Backup and restore: on both databases and between them, in one moment, whole or not at all."""

import json
import stat
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, select

from speech import access, backup, presence
from speech.access import NewKey
from speech.backup import LEFT_OUT, back_up, kept_tables, restore
from speech.database import Database
from speech.errors import Conflict, InvalidRequest
from speech.jobs import NewJob
from speech.keys import Once
from speech.schema import jobs, metadata, turns
from speech.store import JobStore
from tests.conftest import BOTH
from tests.some_jobs import check_invariants, claimed, many_rows, speech
from tests.stub_runners import Bench, done


@pytest.fixture
def empty(new_database: Callable[[str], str]) -> Iterator[Callable[[str], JobStore]]:
    """Makes empty stores on "sqlite" or "postgres"."""
    made: list[JobStore] = []

    def make(kind: str) -> JobStore:
        made.append(JobStore(Database(new_database(kind), durable=False)))
        return made[-1]

    yield make
    for one in made:
        one.db.close()


def rows_of(store: JobStore) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that is kept, in a fixed order."""
    with store.db.read() as connection:
        return {
            table.name: [
                dict(row._mapping)
                for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in kept_tables()
        }


def lived_in(store: JobStore, folder: Path) -> Bench:
    """A store with jobs in every state, with parts, pieces, keys, inputs and tombstones."""
    bench = Bench(store, folder)
    for _ in range(3):
        bench.add()
    bench.run(_with_piece)
    bench.run(done)
    store.erase(bench.get(store.page("default", states=["succeeded"])[0][0]).id, "default")
    store.create(NewJob("batch", "speech", {}), [speech(), speech()])
    store.create(speech("other"), once=Once("key:1", "00", 1000.0))
    store.create(speech(), once=Once("texts:1", "00", None))
    access.create(store.db, NewKey("reader", ("read",)))
    bench.add("transcription", input={"key": "t/default/inputs/x", "name": "가.wav"})
    return bench


def _with_piece(attempt: Any) -> Any:
    attempt.piece({"text": "안녕", "start": 0.1})
    return done(attempt)


def test_every_table_is_kept_or_left_out_for_a_reason() -> None:
    kept = {table.name for table in kept_tables()}
    assert kept | LEFT_OUT == set(metadata.tables) and not kept & LEFT_OUT


@pytest.mark.parametrize("kind", BOTH)
def test_what_is_restored_is_what_was_there(store, empty, tmp_path: Path, kind: str) -> None:
    lived_in(store, tmp_path)
    made = back_up(store.db, tmp_path / "store.zip")
    assert made.counts["jobs"] == 8 and made.counts["tombstones"] == 1
    some = ("pieces", "idempotency", "turns", "tenants", "api_keys")
    assert all(made.counts[name] for name in some)
    other = empty(kind)
    assert restore(other, tmp_path / "store.zip") == made
    assert rows_of(other) == rows_of(store)
    check_invariants(other.db)


@pytest.mark.parametrize("kind", BOTH)
def test_what_was_at_work_is_queued_again_and_nobody_is_blamed(
    store, empty, tmp_path: Path, kind: str
) -> None:
    bench = lived_in(store, tmp_path)
    held = claimed(store)
    stopping = claimed(store, holder="host/boot/speech-2")
    store.cancel(stopping.id, stopping.tenant)
    presence.report(store.db, "host/boot", ["speech"], True, {})
    back_up(store.db, tmp_path / "store.zip")
    other = empty(kind)
    restore(other, tmp_path / "store.zip")
    with other.db.read() as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == held.id)).one()
        assert connection.execute(select(metadata.tables["workers"])).all() == []
    assert (row.state, row.holder, row.lease_until) == ("queued", None, None)
    assert (row.attempt, row.crashes, row.preemptions) == (1, 0, 0)
    assert other.get(stopping.id, stopping.tenant).state == "cancelled"
    again = Bench(other, tmp_path)
    for lane in ("speech", "transcription"):
        while again.run(_heard, lane):
            pass
    with other.db.read() as connection:
        states = dict(connection.execute(select(jobs.c.id, jobs.c.state)).all())
        assert connection.execute(select(turns)).all() == []
    assert set(states.values()) == {"succeeded", "cancelled"} and len(states) == 8
    assert bench.get(held).state == "running"  # the store that was saved knows nothing of it


def _heard(attempt: Any) -> Any:
    return done(attempt)


def test_a_backup_is_of_one_moment_while_jobs_come_and_go(store, empty, tmp_path: Path) -> None:
    stop = threading.Event()

    def traffic() -> None:
        while not stop.is_set():
            store.create(NewJob("batch", "speech", {}), [speech() for _ in range(5)])
            job = store.claim("speech", "host/boot/speech-1")
            store.commit(job, [], {})

    threads = [threading.Thread(target=traffic) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for n in range(5):
            back_up(store.db, tmp_path / f"{n}.zip")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    last = empty("sqlite")
    restore(last, tmp_path / "4.zip")
    check_invariants(last.db)


def test_what_is_accepted_while_a_backup_runs_is_not_half_in_it(
    store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create(speech(), (), Once("key:before", "0" * 64, 60.0))
    before, dump = rows_of(store), backup._dump

    def slow(connection: Connection, table: Table, archive: zipfile.ZipFile) -> dict[str, Any]:
        told = dump(connection, table, archive)
        store.create(speech(), (), Once(f"key:{table.name}", "0" * 64, 60.0))
        return told

    monkeypatch.setattr(backup, "_dump", slow)
    made = back_up(store.db, tmp_path / "store.zip")
    assert made.counts == {name: len(rows) for name, rows in before.items()}
    assert len(rows_of(store)["jobs"]) == 1 + len(made.counts)


def test_the_file_is_its_owners_and_replaces_an_older_one_whole(
    store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "here" / "store.zip"
    path.parent.mkdir()
    back_up(store.db, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_bytes()

    def breaks(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(backup, "_dump", breaks)
    with pytest.raises(OSError, match="full"):
        back_up(store.db, path)
    assert path.read_bytes() == first
    assert [one.name for one in path.parent.iterdir()] == ["store.zip"]


def test_a_store_that_is_not_empty_is_left_as_it_is(store, tmp_path: Path) -> None:
    store.create(speech())
    back_up(store.db, tmp_path / "store.zip")
    before = rows_of(store)
    with pytest.raises(Conflict) as refused:
        restore(store, tmp_path / "store.zip")
    assert refused.value.code == "store_not_empty"
    assert rows_of(store) == before


def rewritten(path: Path, **changed: Any) -> Path:
    """An archive with some members changed: the text, or None to leave it out."""
    other = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            text = changed.get(name.partition(".")[0], old.read(name).decode())
            if text is not None:
                new.writestr(name, text)
    return other


def test_a_newer_schema_is_refused_and_an_older_one_is_taken(store, empty, tmp_path: Path) -> None:
    store.create(speech())
    path = tmp_path / "store.zip"
    back_up(store.db, path)
    manifest = json.loads(zipfile.ZipFile(path).read("manifest.json"))
    newer = json.dumps(manifest | {"revision": "9999"})
    other = empty("sqlite")
    with pytest.raises(InvalidRequest) as refused:
        restore(other, rewritten(path, manifest=newer))
    assert refused.value.code == "backup_newer"
    restore(other, rewritten(path, manifest=json.dumps(manifest | {"revision": "0001"})))
    assert rows_of(other)["jobs"] == rows_of(store)["jobs"]


@pytest.mark.parametrize("fault", ["cut", "text", "altered", "missing", "row"])
def test_a_damaged_file_restores_nothing(store, empty, tmp_path: Path, fault: str) -> None:
    store.create(speech())
    path = tmp_path / "store.zip"
    back_up(store.db, path)
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif fault == "text":
        path.write_text("no archive")
    elif fault == "missing":
        path = rewritten(path, turns=None)
    else:
        line = zipfile.ZipFile(path).read("jobs.jsonl").decode()
        told = line.replace("안녕하세요", "안녕하세오") if fault == "altered" else line + line
        path = rewritten(path, jobs=told)
    other = empty("sqlite")
    with pytest.raises(InvalidRequest) as refused:
        restore(other, path)
    assert refused.value.code == "backup_unreadable"
    assert not any(rows_of(other).values())


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(store, empty, tmp_path: Path) -> None:
    many_rows(store.db, 10_000, 10)
    other = empty("sqlite")
    tracemalloc.start()
    try:
        back_up(store.db, tmp_path / "store.zip")
        restore(other, tmp_path / "store.zip")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000  # the rows alone are more than that as Python objects
    with other.db.read() as connection:
        assert len(connection.execute(select(jobs.c.id)).all()) == 10_000
