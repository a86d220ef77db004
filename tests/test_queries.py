"""Reads of the store: pages, positions, workers."""

import base64
import json
import time
import timeit

import pytest

from speech import queries
from speech.errors import InvalidRequest
from speech.jobs import NewJob
from speech.schema import workers
from speech.store import JobStore
from tests.some_jobs import SOUND, batch, claimed, made, many_rows, parts, recording, speech


def _all(store: JobStore, limit: int, **filters: object) -> list[str]:
    found: list[str] = []
    after = None
    for _ in range(100):
        page, after = store.page("default", limit=limit, after=after, **filters)
        assert len(page) <= limit
        found += [job.id for job in page]
        if after is None:
            return found
    raise AssertionError("the pages do not end")


def test_pages_list_every_job_once_and_newest_first(store: JobStore) -> None:
    ids = []
    for _ in range(7):
        ids.append(made(store, speech()).id)
        time.sleep(0.003)
    made(store, speech("other"))
    for limit in (1, 3, 7, 20):
        assert _all(store, limit) == ids[::-1]


def test_pages_hold_jobs_of_the_same_moment_once(store: JobStore) -> None:
    top = made(store, *batch(9))
    assert sorted(_all(store, 4)) == sorted([top.id, *[item.id for item in store.children(top.id)]])


def test_parts_checks_and_previews_are_not_listed_but_parts_are_with_their_parent(
    store: JobStore,
) -> None:
    top = made(store, speech())
    store.split(claimed(store), parts(3))
    for kind in ("check", "preview"):
        made(store, NewJob(kind, "speech", {}))  # type: ignore[arg-type]
    assert _all(store, 5) == [top.id]
    assert _all(store, 2, parent=top.id) == [part.id for part in store.children(top.id)]
    assert store.page("other", parent=top.id) == ([], None)


def test_pages_can_be_narrowed_to_states_and_kinds(store: JobStore) -> None:
    one, two = made(store, speech()), made(store, recording())
    store.cancel(two.id, "default")
    assert _all(store, 5, states=["queued"]) == [one.id]
    assert _all(store, 5, kinds=["transcription", "translation"]) == [two.id]
    assert _all(store, 5, states=["queued"], kinds=["transcription"]) == []


def _encoded(place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "!!", "가", "eyJ9", _encoded(None), _encoded(5), _encoded([1.0]), _encoded([1, "a"]),
        _encoded([1.0, 2.0]), _encoded([1.0, "a\x00"]), _encoded([1.0, "a" * 99]), _encoded([[[]]]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)  # fmt: skip
def test_a_cursor_that_we_did_not_give_is_refused(store: JobStore, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        store.page("default", after=cursor)
    assert (refused.value.code, refused.value.param) == ("bad_cursor", "after")


@pytest.mark.parametrize("place", [-1, 2**31, 10**30, True, 1.5, "1", [1.0, "a"]])
def test_a_cursor_of_children_that_we_did_not_give_is_refused(
    store: JobStore, place: object
) -> None:
    job = made(store, *batch(1))
    with pytest.raises(InvalidRequest):
        store.page("default", parent=job.id, after=_encoded(place))


def test_a_position_counts_what_comes_first(store: JobStore) -> None:
    first = made(store, speech())
    time.sleep(0.003)
    second = made(store, speech())
    slow = made(store, speech(priority="batch"))
    made(store, recording())
    places = [store.ahead(job) for job in (first, second, slow)]
    assert [place.position for place in places if place] == [1, 2, 3]
    store.cancel(first.id, "default")
    assert store.ahead(store.get(first.id, "default")) is None


def test_a_position_has_times_once_workers_and_finished_work_say_how_long_it_takes(
    store: JobStore,
) -> None:
    made(store, speech())
    store.commit(claimed(store), [SOUND], {})
    job = made(store, speech())
    place = store.ahead(job)
    assert place and place.ready_from is None
    with store.db.write() as tx:
        row = {"lanes": ["speech"], "ready": True, "details": {}, "started": tx.now}
        tx.connection.execute(workers.insert().values(id="h/b", seen=tx.now, **row))
        tx.connection.execute(workers.insert().values(id="h/old", seen=tx.now - 60, **row))
    place = store.ahead(job)
    assert place and place.ready_from and place.ready_to
    assert job.created <= place.ready_from <= place.ready_to
    with store.db.read() as connection:
        now = store.db.now(connection)
        assert [worker["id"] for worker in queries.live_workers(connection, now)] == ["h/b"]


@pytest.mark.slow
def test_reads_among_50_000_rows_are_quick(store: JobStore) -> None:
    many_rows(store.db, 50_000, 50)
    first = store.page("tenant-0007")[0][0]
    for read in (
        lambda: store.page("tenant-0007", limit=100),
        lambda: store.page("tenant-0007", states=["failed"]),
        lambda: store.get(first.id, "tenant-0007"),
        lambda: store.ahead(first),
        lambda: store.stands(first),
        lambda: store.release("host/boot/", "ours"),
    ):
        assert min(timeit.repeat(read, number=1, repeat=4)) < 0.2
