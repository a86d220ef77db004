"""The sweeper: who sweeps, what is rung for, whose lease is judged, and when."""

import time

import pytest
from sqlalchemy import select

from speech.errors import Unavailable
from speech.jobs import NewJob
from speech.schema import jobs, locks
from speech.settings import Settings
from speech.store import JobStore
from speech.sweeper import Sweeper, due
from tests.worker_processes import until

HOLDER = "host/boot/speech-1"


@pytest.fixture
def settings():
    return Settings(lease_seconds=0.5, sweep_seconds=0.1, broker_url="amqp://unused")


@pytest.fixture
def sweeper(store, bells, settings):
    made = Sweeper(store, bells, settings)
    made._seeing_again = 0.0  # as after its first lease
    return made


def _add(store, **fields):
    return store.create(NewJob("speech", "speech", {}, **fields))[0]


def _expire_lease(store, job):
    with store.db.write() as tx:
        tx.connection.execute(jobs.update().where(jobs.c.id == job.id).values(lease_until=1.0))


def test_of_two_sweepers_one_sweeps(store, bells, settings, sweeper):
    other = Sweeper(store, bells, settings)
    assert [sweeper.sweep(), other.sweep(), sweeper.sweep()] == [True, False, True]


def test_another_takes_over_when_the_lease_of_the_sweeper_ran_out(store, bells, settings, sweeper):
    sweeper.sweep()
    with store.db.write() as tx:
        tx.connection.execute(locks.update().values(until=1.0))
    other = Sweeper(store, bells, settings)
    assert other.sweep() and not sweeper.sweep()


def test_one_that_stops_hands_its_lease_back(store, bells, settings):
    first = Sweeper(store, bells, settings).start()
    until(lambda: _holder(store) == first.name, 5, "it sweeps")
    first.stop()
    assert _holder(store) is None
    assert not first._thread.is_alive()


def _holder(store):
    with store.db.read() as connection:
        return connection.execute(select(locks.c.holder)).scalar()


def test_stopping_one_that_never_began_is_fine(sweeper):
    sweeper.stop()


def test_it_rings_for_rows_that_wait_less_the_bells_that_are_ready(store, bells, sweeper):
    for _ in range(5):
        _add(store)
    bells.clear()
    bells.ready = lambda lane: 2
    sweeper.sweep()
    assert bells.rung == [("speech", "sweeper")] * 3


def test_it_rings_once_where_one_datagram_tells_all(store, bells):
    for _ in range(5):
        _add(store)
    bells.clear()
    Sweeper(store, bells, Settings()).sweep()
    assert bells.rung == [("speech", "sweeper")]


def test_it_rings_nobody_while_the_broker_cannot_be_asked(store, bells, sweeper):
    _add(store)
    bells.clear()
    bells.ready = lambda lane: None
    sweeper.sweep()
    assert bells.rung == []


def test_rows_that_wait_for_a_later_time_are_not_due(store, sweeper):
    job = _add(store)
    with store.db.write() as tx:
        tx.connection.execute(
            jobs.update().where(jobs.c.id == job.id).values(not_before=tx.now + 60)
        )
    with store.db.read() as connection:
        assert due(connection, "speech", store.db.now(connection), 10) == 0


def test_a_row_whose_lease_ran_out_is_freed_as_a_preemption(store, sweeper):
    job = _add(store)
    store.claim("speech", HOLDER)
    _expire_lease(store, job)
    sweeper.sweep()
    with store.db.read() as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == job.id)).one()
    assert (row.state, row.crashes, row.preemptions) == ("queued", 0, 1)


def test_a_new_sweeper_judges_nobody_for_one_lease(store, bells, settings):
    job = _add(store)
    store.claim("speech", HOLDER)
    _expire_lease(store, job)
    new = Sweeper(store, bells, settings)
    new.sweep()
    assert store.get(job.id, "default").state == "running"
    until(lambda: new.sweep() and store.get(job.id, "default").state == "queued", 5, "judged")
    assert time.monotonic() >= new._seeing_again


def test_after_an_outage_of_the_store_nobody_is_judged_for_one_lease(
    store, bells, settings, sweeper, monkeypatch
):
    job = _add(store)
    store.claim("speech", HOLDER)
    judged = []
    monkeypatch.setattr(
        Sweeper, "_judge", lambda self: judged.append(time.monotonic() >= self._seeing_again)
    )

    def away(self):
        raise Unavailable("store_unavailable")

    with monkeypatch.context() as outage:
        outage.setattr(JobStore, "writing", away)
        sweeper.start()
        until(lambda: sweeper._seeing_again > time.monotonic(), 5, "it has seen the outage")
    until(lambda: judged, 5, "it judges again")
    sweeper.stop()
    assert judged[0]
    assert store.get(job.id, "default").state == "running"


def test_after_the_machine_slept_nobody_is_judged_for_one_lease(store, sweeper):
    job = _add(store)
    store.claim("speech", HOLDER)
    _expire_lease(store, job)
    sweeper._woke(600.0)
    sweeper.sweep()
    assert store.get(job.id, "default").state == "running"
    until(lambda: sweeper.sweep() and store.get(job.id, "default").state == "queued", 5, "judged")


def test_after_a_store_that_kept_it_waiting_nobody_is_judged_for_one_lease(
    store, sweeper, monkeypatch
):
    job = _add(store)
    store.claim("speech", HOLDER)
    _expire_lease(store, job)

    def waits(*_):
        time.sleep(0.3)  # as behind a lock that is held for longer than half a lease
        return True

    with monkeypatch.context() as slow:
        slow.setattr("speech.sweeper.locks.hold", waits)
        sweeper.sweep()
    assert store.get(job.id, "default").state == "running"
    until(lambda: sweeper.sweep() and store.get(job.id, "default").state == "queued", 5, "judged")


def test_a_sweep_that_fails_is_not_the_last_one(store, bells, settings, monkeypatch):
    rounds = []

    def breaks(self):
        rounds.append(1)
        raise RuntimeError("broken")

    monkeypatch.setattr(Sweeper, "sweep", breaks)
    made = Sweeper(store, bells, settings).start()
    until(lambda: len(rounds) > 2, 5, "it goes on")
    made.stop()


def test_a_job_past_its_time_to_live_fails_but_not_one_that_has_won(store, sweeper):
    late = _add(store, ttl=-1.0)
    won = _add(store, ttl=-1.0, outputs=("x",), promised=("speech.wav",))
    claimed = {job.id: job for job in (store.claim("speech", HOLDER) for _ in range(2))}
    store.commit(claimed[won.id], [], {})
    sweeper.sweep()
    assert store.get(late.id, "default").error["code"] == "expired"
    assert store.get(won.id, "default").state == "running"
