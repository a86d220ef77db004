"""Whose turn it is: priorities, tenants, roots, age; and what a claim costs."""

import statistics
import threading
import time
from collections import Counter

import pytest
from sqlalchemy import select

from speech import turns
from speech.database import Database
from speech.errors import StorageUnavailable
from speech.jobs import Job
from speech.schema import jobs
from speech.schema import turns as turn_rows
from speech.store import JobStore
from tests.some_jobs import batch, claimed, made, many_rows, parts, recording, speech


def _claim_all(store: JobStore, lane: str = "speech", limit: int = 1000) -> list[Job]:
    found = []
    while len(found) < limit and (job := store.claim(lane, "host/boot/all")):
        found.append(job)
    return found


def test_interactive_comes_before_batch(store: JobStore) -> None:
    later = made(store, speech(priority="batch"))
    first = made(store, speech())
    assert [job.id for job in _claim_all(store)] == [first.id, later.id]


def test_a_claim_that_prefers_batch_takes_batch_first_and_else_interactive(store: JobStore) -> None:
    interactive = made(store, speech())
    of_batch = made(store, speech(priority="batch"))
    one, two = (store.claim("speech", "h/b/c", prefer_batch=True) for _ in range(2))
    assert one and two
    assert [one.id, two.id] == [of_batch.id, interactive.id]


def test_the_oldest_row_of_a_tenant_comes_first(store: JobStore) -> None:
    ids = []
    for _ in range(5):
        ids.append(made(store, speech()).id)
        time.sleep(0.003)  # SQLite's clock counts milliseconds
    assert [job.id for job in _claim_all(store)] == ids


def test_tenants_take_turns_whatever_they_have_queued(store: JobStore) -> None:
    for tenant, count in (("a", 6), ("b", 2), ("c", 3)):
        for _ in range(count):
            made(store, speech(tenant))
    order = [job.tenant for job in _claim_all(store)]
    assert [sorted(order[n : n + 3]) for n in (0, 3)] == [["a", "b", "c"]] * 2
    assert sorted(order[6:8]) == ["a", "c"]
    assert order[8:] == ["a", "a", "a"]


def test_root_jobs_of_one_tenant_take_turns(store: JobStore) -> None:
    for _ in range(2):
        made(store, *batch(3))
        time.sleep(0.003)
    roots = [job.root for job in _claim_all(store, "transcription")]
    assert [len(set(roots[n : n + 2])) for n in (0, 2, 4)] == [2, 2, 2]


def test_items_of_a_batch_come_in_order(store: JobStore) -> None:
    made(store, *batch(12))
    assert [job.part for job in _claim_all(store, "transcription")] == list(range(12))


def test_one_interactive_request_behind_a_batch_of_200_is_next(store: JobStore) -> None:
    made(store, *batch(200))
    _claim_all(store, "transcription", 3)
    one = made(store, recording())
    assert claimed(store, "transcription").id == one.id
    assert len(_claim_all(store, "transcription")) == 197


def test_a_batch_of_one_tenant_holds_nobody_else_up(store: JobStore) -> None:
    made(store, *batch(50, tenant="a"))
    made(store, *batch(1, tenant="b"))
    assert "b" in [job.tenant for job in _claim_all(store, "transcription", 2)]


def test_lanes_do_not_see_each_other(store: JobStore) -> None:
    made(store, recording())
    assert store.claim("speech", "h/b/c") is None
    assert claimed(store, "transcription").lane == "transcription"


def test_a_root_whose_rows_wait_for_later_is_passed_over(store: JobStore) -> None:
    waiting = made(store, speech())
    store.defer(claimed(store), StorageUnavailable("storage_unavailable"))
    other = made(store, speech())
    assert [job.id for job in _claim_all(store)] == [other.id]
    with store.db.write() as tx:
        tx.connection.execute(jobs.update().values(not_before=tx.now))
        tx.connection.execute(turn_rows.update().values(turn_at=tx.now))
    assert [job.id for job in _claim_all(store)] == [waiting.id]


def test_the_turn_of_a_served_root_without_more_rows_is_gone(store: JobStore) -> None:
    made(store, speech())
    claimed(store)
    with store.db.read() as connection:
        assert connection.execute(select(turn_rows)).all() == []


def test_turns_of_cancelled_jobs_are_tidied_away_by_claims(store: JobStore) -> None:
    for _ in range(60):
        store.cancel(made(store, speech()).id, "default")
    last = made(store, speech())
    assert claimed(store).id == last.id
    assert store.claim("speech", "h/b/c") is None
    with store.db.read() as connection:
        assert connection.execute(select(turn_rows)).all() == []


def test_one_claim_gets_past_thousands_of_cancelled_jobs(store: JobStore) -> None:
    many_rows(store.db, 5000, 1)
    with store.db.write() as tx:
        tx.connection.execute(
            jobs.update().values(state="cancelled", claimable=False, finished=tx.now)
        )
    last = made(store, speech("tenant-0000"))
    start = time.perf_counter()
    assert claimed(store).id == last.id
    assert time.perf_counter() - start < 1.0


def test_heal_gives_back_lost_turns(store: JobStore) -> None:
    job = made(store, speech())
    with store.db.write() as tx:
        tx.connection.execute(turn_rows.delete())
    assert store.claim("speech", "h/b/c") is None
    with store.db.write() as tx:
        assert turns.heal(tx) == 1
    with store.db.write() as tx:
        assert turns.heal(tx) == 0
    assert claimed(store).id == job.id


def test_two_bells_for_one_row_find_it_once(store: JobStore) -> None:
    made(store, speech())
    assert [store.claim("speech", "h/b/c") is None for _ in range(2)] == [False, True]


def test_one_bell_for_two_rows_still_finds_both_in_the_end(store: JobStore) -> None:
    two = {made(store, speech()).id for _ in range(2)}
    first = claimed(store)
    assert {first.id, claimed(store).id} == two


def test_parts_of_a_split_are_claimable_at_once(store: JobStore) -> None:
    made(store, recording())
    parent = claimed(store, "transcription")
    store.split(parent, parts(2, "speech") + parts(1, "transcription"))
    assert len(_claim_all(store)) == 2
    assert len(_claim_all(store, "transcription")) == 1


@pytest.mark.slow
def test_eight_claimers_share_the_rows_and_leave_none(store: JobStore) -> None:
    """No row twice; and whoever finds nothing finds nothing because nothing is left."""
    made(store, *batch(60, tenant="a"))
    made(store, *batch(60, tenant="b"))
    for n in range(60):
        made(store, recording(tenant=f"t{n % 7}"))
    found: list[str] = []
    empty_at: list[int] = []
    start = threading.Barrier(8)

    def work(name: str) -> None:
        start.wait()
        while job := store.claim("transcription", name):
            found.append(job.id)
        empty_at.append(len(found))

    threads = [threading.Thread(target=work, args=(f"h/b/{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 180
    assert Counter(found).most_common(1)[0][1] == 1
    assert min(empty_at) > 172, "someone went away while rows were left"


@pytest.mark.slow
def test_a_claim_among_100_000_rows_of_50_tenants_takes_under_20_ms(db: Database) -> None:
    many_rows(db, 100_000, 50)
    store = JobStore(db)
    spans, tenants = [], []
    for n in range(60):
        start = time.perf_counter()
        job = store.claim("speech", f"h/b/{n}")
        spans.append(time.perf_counter() - start)
        assert job is not None
        tenants.append(job.tenant)
    assert len(set(tenants[:50])) == 50
    assert statistics.median(spans) < 0.020  # bench/claims.py has the p95
