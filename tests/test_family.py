"""Parents and children: parts and their join, batches and their items, and how ends travel."""

import threading

import pytest

from speech.errors import BadMedia, Internal, LeaseLost
from speech.jobs import Job
from speech.store import JobStore
from tests.recorded_bells import RecordedBells
from tests.some_jobs import (
    SOUND,
    WORKER,
    again,
    batch,
    check_invariants,
    claimed,
    made,
    parts,
    recording,
    speech,
)

BROKEN = Internal("internal")


def in_parts(store: JobStore, count: int) -> tuple[Job, list[Job]]:
    """A job split into parts that are all held."""
    made(store, speech())
    parent = claimed(store)
    store.split(parent, parts(count))
    return parent, [claimed(store, holder=f"h/b/speech-{n}") for n in range(count)]


def test_a_split_parent_waits_running_and_without_a_lease(store: JobStore) -> None:
    parent, held = in_parts(store, 3)
    now = again(store, parent)
    assert (now.state, now.phase, now.open_children) == ("running", "wait", 3)
    assert store.stands(parent) == (False, False)
    assert [part.part for part in held] == [0, 1, 2]
    assert {(p.parent, p.root, p.tenant, p.priority) for p in held} == {
        (parent.id, parent.id, parent.tenant, parent.priority)
    }
    with pytest.raises(LeaseLost):
        store.commit(parent, [SOUND], {})
    check_invariants(store.db)


def test_the_last_part_queues_the_join_and_rings(store: JobStore, bells: RecordedBells) -> None:
    parent, held = in_parts(store, 2)
    store.commit(held[0], [SOUND], {})
    assert store.claim("speech", WORKER) is None
    assert again(store, parent).fraction == 0.5
    bells.clear()
    store.commit(held[1], [SOUND], {})
    assert bells.rung == [("speech", parent.id)]
    join = claimed(store)
    assert (join.id, join.phase, join.attempt) == (parent.id, "join", 2)
    assert store.commit(join, [SOUND], {}).state == "succeeded"
    check_invariants(store.db)


def test_a_join_that_crashes_is_done_again(store: JobStore) -> None:
    parent, held = in_parts(store, 1)
    store.commit(held[0], [SOUND], {})
    claimed(store)
    store.release(WORKER, "crash")
    check_invariants(store.db)
    assert (claimed(store).phase, again(store, parent).state) == ("join", "running")


@pytest.mark.slow
def test_two_last_parts_that_end_at_the_same_moment_make_one_join(
    store: JobStore, bells: RecordedBells
) -> None:
    for _ in range(10):
        parent, held = in_parts(store, 2)
        bells.clear()
        start = threading.Barrier(2)

        def end(part: Job, start: threading.Barrier = start) -> None:
            start.wait()
            store.commit(part, [SOUND], {})

        threads = [threading.Thread(target=end, args=(part,)) for part in held]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert bells.rung == [("speech", parent.id)]
        join = claimed(store)
        assert (join.id, join.phase) == (parent.id, "join")
        assert store.claim("speech", WORKER) is None
        store.commit(join, [SOUND], {})
    check_invariants(store.db)


def test_a_failed_part_fails_its_parent_and_cancels_its_siblings(store: JobStore) -> None:
    made(store, speech())
    parent = claimed(store)
    store.split(parent, parts(4))
    done, bad, busy = (claimed(store, holder=f"h/b/speech-{n}") for n in range(3))
    store.commit(done, [SOUND], {})
    store.fail(bad, BadMedia("nothing_to_speak", param="input"))
    ended = again(store, parent)
    assert ended.state == "failed"
    assert ended.error and (ended.error["code"], ended.error["part"]) == ("nothing_to_speak", 1)
    states = [part.state for part in store.children(parent.id)]
    assert states == ["succeeded", "failed", "running", "cancelled"]
    assert store.renew(busy) is True  # told to stop
    check_invariants(store.db)
    store.cancelled(busy)
    assert store.claim("speech", WORKER) is None
    assert again(store, parent).children == {"total": 4, "succeeded": 1, "failed": 3}
    check_invariants(store.db)


def test_a_failed_item_fails_only_itself_and_a_batch_with_a_success_succeeds(
    store: JobStore,
) -> None:
    top = made(store, *batch(3))
    items = [claimed(store, "transcription", f"h/b/t-{n}") for n in range(3)]
    store.fail(items[0], BROKEN)
    store.commit(items[1], [SOUND], {})
    assert again(store, top).state == "running"
    store.fail(items[2], BROKEN)
    ended = again(store, top)
    assert (ended.state, ended.result) == ("succeeded", {"total": 3, "succeeded": 1, "failed": 2})
    check_invariants(store.db)


def test_a_batch_without_any_success_fails(store: JobStore) -> None:
    top = made(store, *batch(2))
    for n in range(2):
        store.fail(claimed(store, "transcription", f"h/b/t-{n}"), BROKEN)
    ended = again(store, top)
    assert ended.error and (ended.state, ended.error["code"]) == ("failed", "all_failed")


def test_a_batch_item_in_parts_is_three_generations(store: JobStore) -> None:
    top = made(store, *batch(2))
    item = claimed(store, "transcription")
    store.split(item, parts(2, "transcription"))
    left = [claimed(store, "transcription", f"h/b/t-{n}") for n in range(3)]
    for job in left:
        store.commit(job, [SOUND], {})
    join = claimed(store, "transcription")
    assert (join.id, join.phase, join.root) == (item.id, "join", top.id)
    store.commit(join, [SOUND], {})
    assert again(store, top).state == "succeeded"
    check_invariants(store.db)


def test_cancelling_a_batch_ends_what_waits_and_flags_what_runs(store: JobStore) -> None:
    top = made(store, *batch(4))
    item = claimed(store, "transcription")
    store.split(item, parts(2, "transcription"))
    busy = claimed(store, "transcription")
    assert store.cancel(top.id, "default").state == "cancelled"
    assert store.claim("transcription", WORKER) is None
    assert store.renew(busy) is True
    check_invariants(store.db)
    store.release(WORKER, "ours")
    assert {one.state for one in store.children(top.id)} == {"cancelled"}
    assert {one.state for one in store.children(item.id)} == {"cancelled"}
    check_invariants(store.db)


@pytest.mark.parametrize("held", [True, False])
def test_an_item_whose_result_is_being_stored_outlives_the_cancel_of_its_batch(
    store: JobStore, held: bool
) -> None:
    top, _ = batch(0)
    batch_job = made(store, top, [recording(outputs=("out/a.json",), promised=("speech.wav",))] * 2)
    item = claimed(store, "transcription")
    store.commit(item, [SOUND], {})
    if not held:
        store.release(WORKER, "crash")
    store.cancel(batch_job.id, "default")
    check_invariants(store.db)
    store.complete(item if held else claimed(store, "transcription"))
    assert again(store, item).state == "succeeded"
    assert again(store, batch_job).state == "cancelled"
    check_invariants(store.db)


def test_a_part_that_changes_rings_its_parent(store: JobStore, bells: RecordedBells) -> None:
    parent, held = in_parts(store, 1)
    before = again(store, parent).seq
    bells.clear()
    store.report(held[0], 0.5, "speaking", [(0, {"text": "하나"})])
    assert again(store, parent).seq == before + 1
    assert (parent.id, before + 1) in bells.published


def test_children_share_the_deadline_of_their_parent(store: JobStore) -> None:
    from tests.test_claims import column

    made(store, speech(ttl=60.0))
    parent = claimed(store)
    store.split(parent, parts(1))
    part = claimed(store)
    assert column(store, part, "deadline") == column(store, parent, "deadline")
