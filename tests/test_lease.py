"""The side thread of an attempt."""

import time

import pytest

from speech.errors import Unavailable
from speech.store import JobStore
from tests.stub_runners import Bench
from tests.worker_processes import until
from worker import lease
from worker.lease import ENDED_BY_US, Lease


@pytest.fixture
def bench(store, tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(lease, "PATIENCE", {"speech": 0.1, "transcription": 0.1})
    store.rules = type(store.rules)(lease=1.0)
    return Bench(store, tmp_path, lease_seconds=1.0, renew_seconds=0.1)


@pytest.fixture
def exits(monkeypatch):
    codes = []
    monkeypatch.setattr(lease.os, "_exit", codes.append)
    return codes


def _claimed(bench):
    bench.add()
    return bench.store.claim("speech", "host/boot/speech-1")


def test_a_lease_is_renewed_while_the_work_goes_on(bench, exits):
    job = _claimed(bench)
    with Lease(bench.store, job, bench.settings):
        time.sleep(1.3)  # longer than the lease
        assert bench.store.stands(job) == (True, False)
        with bench.store.writing() as tx:
            from speech.claims import release_expired

            assert release_expired(tx, bench.store.rules) == []
    assert exits == []


def test_a_cancel_is_seen_and_an_engine_that_heeds_it_lives_on(bench, exits):
    job = _claimed(bench)
    with Lease(bench.store, job, bench.settings) as kept:
        bench.store.cancel(job.id, "default")
        assert kept.stopping.wait(1)
    time.sleep(0.2)  # past the patience
    assert exits == []


def test_a_deaf_engine_is_ended_and_its_job_cancelled(bench, exits):
    job = _claimed(bench)
    with Lease(bench.store, job, bench.settings):
        bench.store.cancel(job.id, "default")
        until(lambda: exits, 2, "the child ends itself")
        assert bench.get(job).state == "cancelled"
    assert exits == [ENDED_BY_US]


def test_an_attempt_that_no_longer_stands_is_stopped(bench, exits):
    job = _claimed(bench)
    with Lease(bench.store, job, bench.settings) as kept:
        bench.store.release("host/boot/speech-1", "preempted")
        assert kept.stopping.wait(1)


def test_an_outage_of_the_store_stops_nothing(bench, exits, monkeypatch):
    job = _claimed(bench)

    def away(*_):
        raise Unavailable("store_unavailable")

    with Lease(bench.store, job, bench.settings) as kept:
        with monkeypatch.context() as outage:
            outage.setattr(JobStore, "stands", away)
            assert not kept.stopping.wait(0.3)
        assert not kept.stopping.wait(0.3)
    assert exits == []
