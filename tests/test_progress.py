"""Progress on its way to the store."""

import pytest

from speech.errors import LeaseLost, Unavailable
from tests.stub_runners import Bench
from worker import progress
from worker.progress import Progress


@pytest.fixture
def bench(store, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "AT_MOST_EVERY", 60.0)
    return Bench(store, tmp_path)


@pytest.fixture
def job(bench):
    bench.add()
    return bench.store.claim("speech", "host/boot/speech-1")


def test_a_quick_attempt_writes_nothing_before_its_commit(bench, job):
    told = Progress(bench.store, job)
    before = bench.get(job).seq
    for n in range(50):
        told.set(n / 50, "speaking")
        told.add({"n": n})
    assert bench.get(job).seq == before
    bench.store.commit(job, [], {}, new=told.rest())
    assert [n for n, _ in bench.store.pieces(bench.get(job))] == list(range(50))


def test_what_is_ready_is_written_by_the_next_beat_even_when_the_engine_says_no_more(
    bench, job, monkeypatch
):
    told = Progress(bench.store, job)
    told.set(0.5, "speaking")
    told.add({"n": 0})
    monkeypatch.setattr(progress, "AT_MOST_EVERY", 0.0)
    told.beat()
    assert bench.get(job).fraction == 0.5
    assert bench.store.pieces(job) == [(0, {"n": 0})]
    written = bench.get(job).seq
    told.beat()
    assert bench.get(job).seq == written


def test_a_fraction_stays_between_nothing_and_all(bench, job):
    told = Progress(bench.store, job)
    told.set(7.0, "one")
    told.flush()
    assert bench.get(job).fraction == 1.0
    told.set(-1.0, "two")
    told.flush()
    assert bench.get(job).fraction == 0.0


def test_pieces_survive_an_outage_and_are_stored_once(bench, job, monkeypatch):
    told = Progress(bench.store, job)
    report = bench.store.report

    def answer_lost(*args):
        report(*args)
        raise Unavailable("store_unavailable")

    with monkeypatch.context() as outage:
        outage.setattr(bench.store, "report", answer_lost)
        told.add({"n": 0})
        told.flush()
    told.add({"n": 1})
    told.flush()
    assert bench.store.pieces(job) == [(0, {"n": 0}), (1, {"n": 1})]


def test_an_attempt_that_no_longer_stands_learns_it_from_its_progress(bench, job):
    bench.store.release("host/boot/speech-1", "preempted")
    told = Progress(bench.store, job)
    told.set(0.5, "speaking")
    with pytest.raises(LeaseLost):
        told.flush()
