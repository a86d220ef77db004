"""The life of an attempt: fencing, leases, commits, deferrals, releases."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from speech import claims
from speech.claims import Rules
from speech.database import Database
from speech.errors import Conflict, InvalidRequest, LeaseLost, StorageUnavailable
from speech.jobs import Job
from speech.schema import jobs
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

OUTAGE = StorageUnavailable("storage_unavailable")


def change(store: JobStore, job: Job, **values: Any) -> None:
    """Set columns of a row, past all rules."""
    with store.db.write() as tx:
        tx.connection.execute(jobs.update().where(jobs.c.id == job.id).values(**values))


def column(store: JobStore, job: Job, name: str) -> Any:
    """One column of a row."""
    with store.db.read() as connection:
        return connection.execute(select(jobs.c[name]).where(jobs.c.id == job.id)).scalar_one()


def at_once(store: JobStore, job: Job) -> Job:
    """Claim a deferred job without waiting for its time."""
    from speech.schema import turns

    with store.db.write() as tx:
        past = tx.now - 1
        tx.connection.execute(jobs.update().where(jobs.c.id == job.id).values(not_before=past))
        tx.connection.execute(turns.update().values(turn_at=past))
    return claimed(store)


def release_expired(store: JobStore) -> list[str]:
    with store.writing() as tx:
        return claims.release_expired(tx, store.rules)


def test_a_claim_gives_the_job_to_its_holder_for_one_lease(store: JobStore) -> None:
    made(store, speech())
    job = claimed(store)
    assert (job.state, job.attempt, job.step) == ("running", 1, "starting")
    assert column(store, job, "holder") == WORKER
    with store.db.write() as tx:
        assert 25 < column(store, job, "lease_until") - tx.now <= 30
    check_invariants(store.db)


def test_every_write_of_an_older_attempt_is_refused(store: JobStore) -> None:
    made(store, speech())
    old = claimed(store)
    store.release(WORKER, "ours")
    new = claimed(store, holder="host/boot/speech-2")
    assert (new.id, new.attempt) == (old.id, 2)
    for write in (
        lambda: store.renew(old),
        lambda: store.report(old, 0.5, "speaking", [(0, {"text": "하나"})]),
        lambda: store.split(old, parts(1)),
        lambda: store.commit(old, [SOUND], {}),
        lambda: store.complete(old),
        lambda: store.fail(old, OUTAGE),
        lambda: store.cancelled(old),
        lambda: store.defer(old, OUTAGE),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert store.stands(old) == (False, False)
    assert store.stands(new) == (True, False)
    assert store.pieces(again(store, new)) == []


def test_a_late_renewal_is_good_while_the_attempt_stands(store: JobStore) -> None:
    made(store, speech())
    job = claimed(store)
    change(store, job, lease_until=1.0)
    assert store.renew(job) is False
    assert release_expired(store) == []


def test_a_released_attempt_may_not_write_even_before_the_next_claim(store: JobStore) -> None:
    made(store, speech())
    job = claimed(store)
    store.release(WORKER, "ours")
    with pytest.raises(LeaseLost):
        store.renew(job)
    with pytest.raises(LeaseLost):
        store.commit(job, [SOUND], {})


def test_a_lease_that_ran_out_counts_as_a_preemption_and_rings(
    store: JobStore, bells: RecordedBells
) -> None:
    job = made(store, speech())
    change(store, claimed(store), lease_until=1.0)
    bells.clear()
    assert release_expired(store) == [job.id]
    assert bells.rung == [("speech", job.id)]
    assert (column(store, job, "preemptions"), column(store, job, "crashes")) == (1, 0)
    assert claimed(store).attempt == 2


def test_the_third_crash_fails_the_job(store: JobStore) -> None:
    job = made(store, speech())
    for _ in range(3):
        claimed(store)
        assert store.release(WORKER, "crash") == [job.id]
    ended = again(store, job)
    assert ended.state == "failed"
    assert ended.error and ended.error["code"] == "worker_lost"
    assert ended.error["fields"] == {"crashes": 3}
    check_invariants(store.db)


def test_ten_crashes_and_preemptions_together_fail_the_job(store: JobStore) -> None:
    job = made(store, speech())
    for reason in ["crash"] * 2 + ["preempted"] * 8:
        assert again(store, job).state == "queued"
        claimed(store)
        store.release(WORKER, reason)
    ended = again(store, job)
    assert ended.error and ended.error["code"] == "preempted_too_often"


def test_deaths_that_we_caused_count_nowhere(store: JobStore) -> None:
    job = made(store, speech())
    for _ in range(15):
        claimed(store)
        store.release(WORKER, "ours")
    assert claimed(store).id == job.id
    assert (column(store, job, "preemptions"), column(store, job, "crashes")) == (0, 0)


def test_releasing_a_child_leaves_one_with_a_longer_name_alone(store: JobStore) -> None:
    made(store, speech()), made(store, speech())
    one, twelve = claimed(store, holder="h/b/speech-1"), claimed(store, holder="h/b/speech-12")
    assert store.release("h/b/speech-1", "crash") == [one.id]
    assert store.renew(twelve) is False


def test_releasing_a_boot_frees_all_its_children_and_nobody_elses(store: JobStore) -> None:
    for _ in range(4):
        made(store, speech())
    mine = {claimed(store, holder=f"h_1/b/speech-{n}").id for n in range(2)}
    others = [claimed(store, holder=name) for name in ("hx1/b/speech-0", "h_1/bb/speech-0")]
    assert set(store.release("h_1/b/", "preempted")) == mine
    assert [store.renew(job) for job in others] == [False, False]


def test_a_report_keeps_progress_and_pieces_and_may_be_repeated(store: JobStore) -> None:
    made(store, speech())
    job = claimed(store)
    for _ in range(2):
        store.report(job, 0.5, "speaking", [(0, {"text": "하나"}), (1, {"text": "\u0000둘"})])
    store.report(job, 0.7, "speaking", [(2, {"text": "셋"})])
    now = again(store, job)
    assert (now.fraction, now.step) == (0.7, "speaking")
    assert [n for n, _ in store.pieces(now)] == [0, 1, 2]
    assert store.pieces(now, after=1) == [(2, {"text": "셋"})]


def test_a_new_attempt_starts_without_the_pieces_of_the_old_one(store: JobStore) -> None:
    made(store, speech())
    store.report(claimed(store), 0.5, "speaking", [(0, {"text": "옛"})])
    store.release(WORKER, "crash")
    job = claimed(store)
    assert store.pieces(job) == []
    assert job.fraction == 0.0


def test_a_commit_without_promised_outputs_succeeds(store: JobStore, bells: RecordedBells) -> None:
    made(store, speech())
    job = claimed(store)
    after = store.commit(job, [SOUND], {"duration": 1.5}, {"characters": 5}, [{"code": "x"}])
    assert (after.state, after.winner, after.fraction) == ("succeeded", 1, 1.0)
    assert after.artifacts == (SOUND,)
    assert (after.result, after.usage) == ({"duration": 1.5}, {"characters": 5})
    assert (job.id, after.seq) in bells.published
    with pytest.raises(LeaseLost):
        store.commit(job, [SOUND], {})
    check_invariants(store.db)


def test_a_commit_with_promised_outputs_succeeds_only_once_they_are_in_place(
    store: JobStore,
) -> None:
    made(store, speech(outputs=("wav_files/1/a.wav",), promised=("speech.wav",), ttl=60.0))
    job = claimed(store)
    after = store.commit(job, [SOUND], {"duration": 1.5})
    assert (after.state, after.phase, after.winner) == ("running", "copy", 1)
    store.complete(job)
    assert again(store, job).state == "succeeded"


def test_a_row_with_a_winner_is_only_copied_by_the_next_claim(store: JobStore) -> None:
    made(store, speech(outputs=("wav_files/1/a.wav",), promised=("speech.wav",)))
    job = claimed(store)
    store.report(job, 0.9, "speaking", [(0, {"text": "하나"})])
    store.commit(job, [SOUND], {"duration": 1.5})
    for _ in range(4):  # no number of deaths takes the result away
        store.release(WORKER, "crash")
        check_invariants(store.db)
        with pytest.raises(Conflict, match="stored"):
            store.cancel(job.id, "default")
        job = claimed(store)
        assert (job.phase, job.winner, job.artifacts) == ("copy", 1, (SOUND,))
        assert store.pieces(job) == [(0, {"text": "하나"})]
    store.complete(job)
    assert again(store, job).state == "succeeded"


def test_no_time_to_live_ends_a_job_whose_result_is_being_stored(store: JobStore) -> None:
    made(store, speech(outputs=("wav_files/1/a.wav",), promised=("speech.wav",), ttl=5.0))
    job = claimed(store)
    assert column(store, job, "deadline") == pytest.approx(job.created + 5.0)
    store.commit(job, [SOUND], {})
    assert column(store, job, "deadline") is None


def test_an_outage_puts_the_job_back_with_growing_pauses_and_no_attempt_counted(
    store: JobStore,
) -> None:
    job = made(store, speech())
    held, pauses = claimed(store), []
    for _ in range(8):
        store.defer(held, OUTAGE)
        with store.db.write() as tx:
            pauses.append(round(column(store, job, "not_before") - tx.now))
        assert store.claim("speech", WORKER) is None
        check_invariants(store.db)
        held = at_once(store, job)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert held.attempt == 9
    assert [w["code"] for w in held.warnings] == ["storage_unavailable"]
    assert (column(store, job, "preemptions"), column(store, job, "crashes")) == (0, 0)


def test_an_outage_beyond_its_limit_fails_the_job(store: JobStore) -> None:
    store.rules = Rules(outage=100.0)
    job = made(store, speech())
    store.defer(claimed(store), OUTAGE)
    held = at_once(store, job)
    change(store, job, outage_since=1.0)
    store.defer(held, OUTAGE)
    ended = again(store, job)
    assert ended.error and ended.error["code"] == "storage_outage"


def test_time_spent_queueing_is_no_outage(store: JobStore) -> None:
    store.rules = Rules(outage=100.0)
    job = made(store, speech())
    store.defer(claimed(store), OUTAGE)
    with store.db.write() as tx:  # it has been due for 1,000 s, with no worker free
        change_to = {"outage_since": tx.now - 1010, "not_before": tx.now - 1000}
        tx.connection.execute(jobs.update().values(**change_to))
        from speech.schema import turns

        tx.connection.execute(turns.update().values(turn_at=tx.now - 1000))
    store.defer(claimed(store), OUTAGE)
    assert again(store, job).state == "queued"


@pytest.mark.parametrize("ending", ["fail", "defer", "commit", "split", "release"])
def test_a_requested_cancel_comes_before_every_other_end(store: JobStore, ending: str) -> None:
    made(store, speech())
    job = claimed(store)
    assert store.cancel(job.id, "default").state == "running"
    assert store.renew(job) is True
    assert store.stands(job) == (True, True)
    if ending == "fail":
        store.fail(job, OUTAGE)
    elif ending == "defer":
        store.defer(job, OUTAGE)
    elif ending == "commit":
        store.commit(job, [SOUND], {})
    elif ending == "split":
        store.split(job, parts(2))
    else:
        store.release(WORKER, "ours")
    assert again(store, job).state == "cancelled"
    check_invariants(store.db)


def test_a_split_without_parts_is_refused(store: JobStore) -> None:
    made(store, speech())
    with pytest.raises(ValueError, match="at least one part"):
        store.split(claimed(store), [])


def test_a_job_that_is_over_is_neither_claimed_nor_released(store: JobStore) -> None:
    made(store, speech())
    job = claimed(store)
    store.fail(job, InvalidRequest("nothing_to_speak", param="input"))
    assert store.release(WORKER, "crash") == []
    assert store.claim("speech", WORKER) is None
    assert again(store, job).error == {
        "code": "nothing_to_speak", "fields": {}, "param": "input", "class": "InvalidRequest"
    }  # fmt: skip


@pytest.mark.postgres  # SQLite has one writer, and so no locked rows
def test_a_claimer_that_meets_a_locked_row_leaves_it_and_its_turn_alone(
    new_database: Callable[[str], str],
) -> None:
    with contextlib.closing(Database(new_database("postgres"))) as db:
        store = JobStore(db)
        made(store, speech())
        with db.write() as tx:
            tx.connection.execute(select(jobs).with_for_update())
            assert store.claim("speech", WORKER) is None
        assert claimed(store)


@pytest.mark.slow
def test_attempts_reported_beside_a_cancel_of_their_parent_never_block_each_other(
    store: JobStore,
) -> None:
    """A report locks the parent before the part, as a cancel does; the other way round was a deadlock."""
    errors: list[BaseException] = []

    def report(part: Job) -> None:
        try:
            for n in range(40):
                store.report(part, n / 40, "speaking", [])
        except LeaseLost:
            pass
        except BaseException as error:
            errors.append(error)

    for _ in range(3):
        top = made(store, speech())
        store.split(claimed(store), parts(4))
        threads = [threading.Thread(target=report, args=(claimed(store),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        store.cancel(top.id, "default")
        for thread in threads:
            thread.join(60)
        store.release(WORKER, "ours")
        assert again(store, top).state == "cancelled"
    assert errors == []
    check_invariants(store.db)


def test_releases_of_a_batch_keep_its_counts(store: JobStore) -> None:
    top = made(store, *batch(3))
    for _ in range(3):
        claimed(store, "transcription")
    store.release("host/boot/", "preempted")
    assert again(store, top).open_children == 3
    with store.db.read() as connection:
        count = select(func.count()).where(jobs.c.claimable)
        assert connection.execute(count).scalar_one() == 3
    assert made(store, recording())
    check_invariants(store.db)
