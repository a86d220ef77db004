"""What the server asks of the store: create, read, cancel, retry, erase; and many threads doing all at once."""

import random
import threading
import time
from collections import Counter

import pytest
from sqlalchemy import delete, select

from speech import keys
from speech.errors import Conflict, Internal, InvalidRequest, LeaseLost, NotFound, SpeechError
from speech.jobs import FINAL, Job, NewJob
from speech.keys import Once
from speech.schema import idempotency, jobs, pieces, turns
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


def _key(name: str = "k", body: str = "a", **values: object) -> Once:
    return Once(name, body * 64, **{"ttl": 60.0, **values})  # type: ignore[arg-type]


def test_a_new_job_is_queued_and_rung_once_after_its_commit(
    store: JobStore, bells: RecordedBells
) -> None:
    seen = []
    bells.ring = lambda lane, job_id: seen.append(store.get(job_id, "default").state)  # type: ignore[method-assign]
    job = made(store, speech())
    assert (job.state, job.attempt, job.winner, job.root) == ("queued", 0, None, job.id)
    assert seen == ["queued"]


def test_a_job_that_is_not_accepted_leaves_no_trace_and_rings_nothing(
    store: JobStore, bells: RecordedBells
) -> None:
    with pytest.raises(RuntimeError), store.writing() as tx:
        store._insert(tx, speech(), [])
        raise RuntimeError
    assert bells.rung == []
    with store.db.read() as connection:
        assert connection.execute(select(jobs)).all() == []
        assert connection.execute(select(turns)).all() == []


def test_every_field_of_a_new_job_comes_back(store: JobStore) -> None:
    new = NewJob(
        "transcription", "transcription", {"prompt": "값\u0000 '\"\\ 🙂", "t": [0.5, None, True]},
        tenant="t", priority="batch", input={"key": "uploads/가.m4a", "bytes": 5}, outputs=("o/1",),
        promised=("transcript.json",), overwrite=True, ttl=9.5, id="0" * 8,
    )  # fmt: skip
    job = store.get(made(store, new).id, "t")
    for name in ("request", "priority", "input", "outputs", "promised", "overwrite", "ttl", "id"):
        assert getattr(job, name) == getattr(new, name), name


def test_another_tenants_job_is_not_found(store: JobStore) -> None:
    job = made(store, speech("a"))
    for ask in (store.get, store.cancel, store.retry, store.erase):
        with pytest.raises(NotFound):
            ask(job.id, "b")
    assert again(store, job).state == "queued"


@pytest.mark.parametrize("bad", ["", "x", "\x00", "0" * 500, "\ud800", "';--"])
def test_an_id_that_cannot_be_ours_is_not_found(store: JobStore, bad: str) -> None:
    for ask in (store.get, store.cancel, store.retry, store.erase):
        with pytest.raises(NotFound):
            ask(bad, "default")
    assert store.page("default", parent=bad) == ([], None)


def test_a_queued_job_is_cancelled_at_once(store: JobStore) -> None:
    job = made(store, speech())
    assert store.cancel(job.id, "default").state == "cancelled"
    assert store.claim("speech", WORKER) is None
    check_invariants(store.db)


def test_a_running_job_is_cancelled_by_its_attempt(store: JobStore, bells: RecordedBells) -> None:
    made(store, speech())
    job = claimed(store)
    bells.clear()
    assert store.cancel(job.id, "default").cancel_requested
    assert [name for name, _ in bells.published] == [job.id]
    assert store.stands(job) == (True, True)
    store.cancelled(job)
    assert again(store, job).state == "cancelled"


def test_a_final_job_stays_what_it_is_when_it_is_cancelled(store: JobStore) -> None:
    made(store, speech())
    job = store.commit(claimed(store), [SOUND], {})
    assert store.cancel(job.id, "default") == job


def test_cancel_is_too_late_while_outputs_are_copied_and_harmless_after(store: JobStore) -> None:
    made(store, speech(outputs=("o",), promised=("speech.wav",)))
    job = claimed(store)
    store.commit(job, [SOUND], {})
    with pytest.raises(Conflict) as refused:
        store.cancel(job.id, "default")
    assert refused.value.code == "too_late_to_cancel"
    store.complete(job)
    assert store.cancel(job.id, "default").state == "succeeded"


def test_a_job_that_waits_for_parts_or_for_its_join_is_cancelled_at_once(store: JobStore) -> None:
    for finished in (0, 2):
        job = made(store, speech())
        store.split(claimed(store), parts(2))
        for _ in range(finished):
            store.commit(claimed(store), [SOUND], {})
        assert store.cancel(job.id, "default").state == "cancelled"
        assert store.claim("speech", WORKER) is None
        check_invariants(store.db)


def test_a_retry_is_a_new_job_with_the_same_request(store: JobStore) -> None:
    made(store, speech("t", priority="batch", outputs=("o",), promised=("speech.wav",), ttl=50.0))
    old = claimed(store)
    with pytest.raises(Conflict, match="still running"):
        store.retry(old.id, "t")
    store.fail(old, BROKEN)
    new = store.retry(old.id, "t")
    assert (new.state, new.retry_of, new.attempt) == ("queued", old.id, 0)
    for name in ("kind", "lane", "request", "tenant", "priority", "outputs", "promised", "ttl"):
        assert getattr(new, name) == getattr(old, name), name
    assert again(store, old).state == "failed"
    assert claimed(store).id == new.id


def test_a_retried_batch_holds_only_what_did_not_succeed(store: JobStore) -> None:
    top = made(store, *batch(3))
    for n in range(3):
        item = claimed(store, "transcription", f"h/b/{n}")
        if n == 1:
            store.commit(item, [SOUND], {})
        else:
            store.fail(item, BROKEN)
    new = store.retry(top.id, "default")
    items = store.children(new.id)
    assert (new.kind, new.open_children, new.retry_of) == ("batch", 2, top.id)
    assert [item.retry_of for item in items] == [
        item.id for item in store.children(top.id) if item.state == "failed"
    ]
    check_invariants(store.db)


def test_a_batch_that_succeeded_whole_or_lost_its_items_has_nothing_to_retry(
    store: JobStore,
) -> None:
    top = made(store, *batch(1))
    item = store.commit(claimed(store, "transcription"), [SOUND], {})
    for _ in range(2):
        with pytest.raises(Conflict) as refused:
            store.retry(top.id, "default")
        assert refused.value.code == "nothing_to_retry"
        with store.db.write() as tx:
            tx.connection.execute(delete(jobs).where(jobs.c.id == item.id))


def test_a_part_is_not_retried_by_itself_nor_erased_under_its_parent(store: JobStore) -> None:
    made(store, speech())
    store.split(claimed(store), parts(2))
    part = store.commit(claimed(store), [SOUND], {})
    with pytest.raises(InvalidRequest, match="Retry its job"):
        store.retry(part.id, "default")
    with pytest.raises(Conflict, match="still running"):
        store.erase(part.id, "default")


def test_erasing_removes_a_finished_job_and_all_below_it(store: JobStore) -> None:
    kept = made(store, recording(input={"key": "uploads/shared"}))
    top = made(
        store, batch(0)[0],
        [recording(input={"key": f"uploads/{name}"}) for name in ("a", "b", "shared")],
    )  # fmt: skip
    with pytest.raises(Conflict, match="still running"):
        store.erase(top.id, "default")
    store.cancel(kept.id, "default")
    item = claimed(store, "transcription")
    store.report(item, 0.1, "decoding", [(0, {"text": "가"})])
    store.split(item, parts(2, "transcription"))
    store.cancel(top.id, "default")
    assert store.erase(top.id, "default") == ["uploads/a", "uploads/b"]
    with store.db.read() as connection:
        assert connection.execute(select(jobs.c.id)).scalars().all() == [kept.id]
        assert connection.execute(select(pieces)).all() == []
    with pytest.raises(NotFound):
        store.erase(top.id, "default")
    assert store.erase(kept.id, "default") == ["uploads/shared"]
    assert store.claim("transcription", WORKER) is None


def test_an_attempt_whose_job_was_erased_has_lost_its_lease(store: JobStore) -> None:
    made(store, *batch(1))
    item = claimed(store, "transcription")
    store.cancel(item.root, "default")
    store.erase(item.root, "default")
    with pytest.raises(LeaseLost):
        store.commit(item, [SOUND], {})
    assert store.stands(item) == (False, False)


def test_erasing_an_input_and_retrying_with_it_at_once_never_loses_it(store: JobStore) -> None:
    for n in range(10):
        job = made(store, recording(input={"key": f"uploads/{n}"}))
        store.cancel(job.id, "default")
        start, gone, new = threading.Barrier(2), [], []  # type: ignore[var-annotated]

        def erase(job: Job = job, start: threading.Barrier = start, gone: list[str] = gone) -> None:
            start.wait()
            gone.extend(store.erase(job.id, "default"))

        thread = threading.Thread(target=erase)
        thread.start()
        start.wait()
        try:
            new.append(store.retry(job.id, "default"))
        except NotFound:
            pass
        thread.join(30)
        assert bool(gone) != bool(new)


def test_100_threads_with_one_key_make_one_job(store: JobStore) -> None:
    made_by: list[tuple[str, bool]] = []
    errors: list[BaseException] = []

    def post() -> None:
        try:
            job, is_new = store.create(speech(), once=_key())
            made_by.append((job.id, is_new))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=post) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert len({job_id for job_id, _ in made_by}) == 1
    assert Counter(is_new for _, is_new in made_by) == {True: 1, False: 99}
    with store.db.read() as connection:
        assert len(connection.execute(select(jobs.c.id)).all()) == 1
        assert keys.Once is Once
        assert len(connection.execute(select(idempotency)).all()) == 1


def _random_life(store: JobStore, name: str, until: float, errors: list[BaseException]) -> None:
    """Do anything that a server, a worker or a sweeper may do, at random."""
    from speech import claims

    dice = random.Random(name)
    mine: list[Job] = []
    while time.monotonic() < until:
        try:
            act = dice.random()
            if act < 0.15:
                store.create(
                    speech(dice.choice("ab"), priority=dice.choice(["interactive", "batch"]))
                )
            elif act < 0.20:
                top, items = batch(3, tenant=dice.choice("ab"))
                store.create(top, [*items, speech(priority="batch")])
            elif act < 0.50 or not mine:
                lane = dice.choice(["speech", "transcription"])
                job = store.claim(lane, f"h/{name}/c-{dice.randrange(3)}", dice.random() < 0.3)
                mine += [job] if job else []
            elif act < 0.56:
                store.cancel(dice.choice(mine).root, mine[0].tenant)
            elif act < 0.60:
                store.release(f"h/{name}/", dice.choice(claims.REASONS))
            elif act < 0.63:
                with store.writing() as tx:
                    tx.connection.execute(
                        jobs.update().where(jobs.c.id == mine[-1].id, jobs.c.holder.is_not(None))
                        .values(lease_until=1.0)
                    )  # fmt: skip
                with store.writing() as tx:
                    claims.release_expired(tx, store.rules)
            elif act < 0.66:
                store.erase(dice.choice(mine).root, "a")
            else:
                _one_step(store, mine.pop(dice.randrange(len(mine))), dice)
        except (LeaseLost, NotFound, Conflict):
            continue
        except BaseException as error:
            errors.append(error)
            return


def _one_step(store: JobStore, job: Job, dice: random.Random) -> None:
    act = dice.random()
    if act < 0.25:
        store.report(job, act, "working", [(0, {"n": 1})])
        store.renew(job)
    if act < 0.30 and job.phase == "work" and job.kind != "part":
        store.split(job, parts(2, "speech") + parts(1, "transcription"))
    elif act < 0.40:
        store.fail(job, BROKEN)
    elif act < 0.50:
        store.defer(job, SpeechError("storage_unavailable"))
    else:
        store.commit(job, [SOUND], {})


@pytest.mark.slow
def test_anything_at_random_from_eight_threads_ends_well(store: JobStore) -> None:
    """No deadlock, no error but the expected ones; then the rest is worked off and every job is final."""
    errors: list[BaseException] = []
    until = time.monotonic() + 6
    threads = [
        threading.Thread(target=_random_life, args=(store, f"w{n}", until, errors))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    check_invariants(store.db)
    store.release("h/", "ours")
    check_invariants(store.db)
    _work_off(store)
    with store.db.read() as connection:
        states = Counter(connection.execute(select(jobs.c.state)).scalars().all())
        assert set(states) <= FINAL, states
        assert states["succeeded"] > 10, states
    check_invariants(store.db)


def _work_off(store: JobStore) -> None:
    with store.db.write() as tx:
        tx.connection.execute(jobs.update().where(jobs.c.claimable).values(not_before=tx.now - 1))
        tx.connection.execute(turns.update().values(turn_at=tx.now - 1))
    nothing = 0
    while nothing < 2:
        found = [job for lane in ("speech", "transcription") if (job := store.claim(lane, WORKER))]
        nothing = 0 if found else nothing + 1
        for job in found:
            store.commit(job, [SOUND], {})
