"""The database under the store."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from speech.database import Database
from speech.errors import Unavailable
from speech.store import JobStore
from tests.some_jobs import made, speech

WRITE = """
import sys, time
from speech.database import Database
from speech.store import JobStore
from tests.some_jobs import speech
store = JobStore(Database(sys.argv[1]))
start, spans = time.monotonic(), []
for n in range(400):
    time.sleep(max(0, start + n / 200 - time.monotonic()))
    began = time.monotonic()
    store.create(speech())
    spans.append(time.monotonic() - began)
store.db.close()
print(max(spans))
"""


def test_the_clock_is_the_stores_and_near_ours(db: Database) -> None:
    with db.read() as connection:
        first, second = db.now(connection), db.now(connection)
    assert first <= second
    assert abs(second - time.time()) < 1


def test_a_write_that_fails_leaves_no_trace(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        tx.connection.execute(text("INSERT INTO locks VALUES ('a', 'b', 1)"))
        raise ZeroDivisionError
    with db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM locks")).scalar() == 0


def test_what_is_to_happen_at_the_end_happens_before_the_commit(db: Database) -> None:
    with db.write() as tx:
        tx.at_end.append(
            lambda tx: tx.connection.execute(text("INSERT INTO locks VALUES ('a', 'b', 1)"))
        )
    with db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM locks")).scalar() == 1


def test_sqlite_takes_its_write_lock_at_the_start(tmp_path: Path) -> None:
    with contextlib.closing(Database(f"sqlite:///{tmp_path}/store.db")) as db:
        said: list[str] = []
        with db.write() as tx:
            tx.connection.connection.driver_connection.set_trace_callback(said.append)
        with db.write():
            pass
        with db.read() as connection:
            connection.execute(text("SELECT 1"))
        assert [line for line in said if line.startswith("BEGIN")] == [
            "BEGIN IMMEDIATE", "BEGIN DEFERRED"
        ]  # fmt: skip


def test_sqlite_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    with contextlib.closing(Database(f"sqlite:///{tmp_path}/store.db")) as db:
        with db.write() as tx:
            tx.connection.execute(text("CREATE TABLE t (n INTEGER)"))
        with db.write() as tx:
            tx.connection.execute(text("INSERT INTO t VALUES (1)"))
            with db.read() as connection:
                assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0


def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with (
        contextlib.closing(Database("postgresql://nobody@127.0.0.1:1/none")) as db,
        pytest.raises(Unavailable) as refused,
        db.read(),
    ):
        pass
    assert refused.value.code == "store_unavailable"
    (tmp_path / "folder.db").mkdir()
    with (
        contextlib.closing(Database(f"sqlite:///{tmp_path}/folder.db")) as db,
        pytest.raises(Unavailable),
        db.read(),
    ):
        pass


def test_another_kind_of_database_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"sqlite:///… or postgresql://…"):
        Database("mysql://localhost/x")


@pytest.mark.postgres
def test_a_connection_that_the_server_closed_is_replaced(new_database, postgres_url: str) -> None:  # type: ignore[no-untyped-def]
    import psycopg

    url = new_database("postgres")
    with contextlib.closing(Database(url)) as db:
        store = JobStore(db)
        made(store, speech())
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [url.rpartition("/")[2]],
            )
        made(store, speech())


@pytest.mark.slow
def test_two_processes_write_200_jobs_a_second_each_and_neither_finds_the_store_locked(
    db_url: str,
) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITE, db_url], stdout=-1, stderr=-1, text=True)
        for _ in range(2)
    ]
    told = [(*process.communicate(timeout=100), process.returncode) for process in processes]
    assert [code for _, _, code in told] == [0, 0], told
    assert max(float(out) for out, _, _ in told) < 5
    with contextlib.closing(Database(db_url)) as db, db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM jobs")).scalar() == 800
        assert connection.execute(text("SELECT count(*) FROM turns")).scalar() == 800
