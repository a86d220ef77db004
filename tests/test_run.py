"""The runner: every way an attempt can end is told to the store, and nothing else is left."""

import time
from dataclasses import replace

import pytest

from speech.errors import BadMedia, LeaseLost, StorageUnavailable, Unavailable
from speech.jobs import NewJob
from speech.queue import Silent
from tests.stub_runners import HOLDER, Bench, done
from worker import lease
from worker.attempt import Split


@pytest.fixture
def bench(store, tmp_path):
    return Bench(store, tmp_path)


def test_an_attempt_that_is_done_succeeds_with_its_bytes(bench):
    job = bench.add()
    assert bench.run(done)
    after = bench.get(job)
    assert (after.state, after.result, after.winner) == ("succeeded", {"text": "bytes"}, 1)
    assert bench.stored(job) == ["1/speech.wav"]
    assert after.artifacts[0].size == 5 and after.usage["compute_seconds"] >= 0


def test_without_a_row_a_bell_does_nothing(bench):
    assert not bench.run(done)


def test_the_work_folder_goes_whatever_happens(bench):
    seen = []

    def breaks(attempt):
        seen.append(attempt.workdir)
        (attempt.workdir / "half").write_text("x")
        raise RuntimeError

    bench.add()
    bench.run(breaks)
    bench.run(lambda attempt: (seen.append(attempt.workdir), done(attempt))[1])
    assert len(seen) == 2 and not any(path.exists() for path in seen)


def test_bad_input_fails_at_once_and_leaves_no_object(bench):
    job = bench.add()

    def refuses(attempt):
        path = attempt.workdir / "x"
        path.write_text("x")
        attempt.store("input.wav", path, "audio/wav")
        raise BadMedia("media_empty", param="file")

    bench.run(refuses)
    assert bench.get(job).error["code"] == "media_empty"
    assert bench.stored(job) == []


def test_the_third_break_of_an_engine_fails_the_job(bench):
    job = bench.add()

    def breaks(attempt):
        raise RuntimeError("broken")

    assert [bench.run(breaks) for _ in range(4)] == [True, True, True, False]
    assert (bench.get(job).error["code"], bench.get(job).attempt) == ("worker_lost", 3)


def test_after_a_storage_outage_nothing_is_claimed_until_a_probe_succeeds(bench, monkeypatch):
    job = bench.add()

    def away(*_, **__):
        raise StorageUnavailable("storage_unavailable")

    with monkeypatch.context() as outage:
        outage.setattr(bench.storage, "put", away)
        outage.setattr(bench.storage, "probe", away)
        assert bench.run(done)
        behind = bench.add()
        assert not bench.run(done)
    assert (bench.get(job).state, bench.get(behind).attempt) == ("queued", 0)
    assert bench.run(done)
    assert bench.get(behind).state == "succeeded"


def test_a_claim_whose_answer_was_lost_is_given_back(bench, monkeypatch):
    job = bench.add()
    claim = bench.store.claim

    def answer_lost(*args):
        claim(*args)
        raise Unavailable("store_unavailable")

    with monkeypatch.context() as outage:
        outage.setattr(bench.store, "claim", answer_lost)
        with pytest.raises(Unavailable):
            bench.run(done)
    assert bench.get(job).state == "running"
    assert bench.run(done)
    assert bench.get(job).state == "succeeded"


def test_a_commit_whose_answer_was_lost_keeps_the_winners_bytes(bench, monkeypatch):
    job = bench.add()
    commit = bench.store.commit

    def answer_lost(*args):
        commit(*args)
        monkeypatch.undo()
        raise Unavailable("store_unavailable")

    monkeypatch.setattr(bench.store, "commit", answer_lost)
    bench.run(done)
    assert bench.get(job).state == "succeeded"
    assert bench.stored(job) == ["1/speech.wav"]


def test_a_split_whose_answer_was_lost_keeps_what_the_parts_need(bench, monkeypatch):
    job = bench.add()
    split = bench.store.split

    def answer_lost(*args):
        split(*args)
        monkeypatch.undo()
        raise Unavailable("store_unavailable")

    def splits(attempt):
        path = attempt.workdir / "cut"
        path.write_text("x")
        key = attempt.store("cut.wav", path, "audio/wav")
        return Split([NewJob("part", "speech", {}, input={"key": key})])

    monkeypatch.setattr(bench.store, "split", answer_lost)
    bench.run(splits)
    assert bench.get(job).phase == "wait"
    assert bench.stored(job) == ["1/cut.wav"]

    def reads(attempt):
        return done(attempt, attempt.fetch_input().read_text())

    assert bench.run(reads)
    assert bench.run(lambda attempt: done(attempt, attempt.parts()[0].result["text"]))
    assert bench.get(job).result == {"text": "x"}
    assert bench.stored(job) == ["2/speech.wav"]


def test_an_attempt_that_was_taken_over_removes_only_its_own_objects(bench):
    job = bench.add()

    def overtaken(attempt):
        bench.store.release(HOLDER, "preempted")
        other = bench.store.claim("speech", "host/other/speech-2")
        assert other.id == job.id
        return done(attempt)

    bench.run(overtaken)
    after = bench.get(job)
    assert (after.state, after.attempt, after.winner) == ("running", 2, None)
    assert bench.stored(job) == []


def test_a_cancel_during_the_work_ends_it_cancelled(bench):
    job = bench.add()

    def is_cancelled(attempt):
        bench.store.cancel(job.id, "default")
        return done(attempt)

    bench.run(is_cancelled)
    assert bench.get(job).state == "cancelled"
    assert bench.stored(job) == []


def test_a_full_disk_of_the_worker_costs_the_job_nothing(bench, monkeypatch):
    job = bench.add()

    def full(**_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("worker.run.tempfile.mkdtemp", full)
        assert not bench.run(done)
    assert bench.get(job).attempt == 0


def test_every_tenth_claim_prefers_the_batch(bench):
    batch = [bench.add(priority="batch") for _ in range(2)]
    for _ in range(12):
        bench.add()
    order = []
    for _ in range(14):
        bench.run(lambda attempt: (order.append(attempt.job.priority), done(attempt))[1])
    assert order.index("batch") == 9
    assert {bench.get(job).state for job in batch} == {"succeeded"}


def test_telling_the_store_goes_on_through_its_outage(bench, monkeypatch):
    monkeypatch.setattr("worker.run.time.sleep", lambda _: None)
    answers = iter([Unavailable("store_unavailable"), Unavailable("store_unavailable"), None])

    def tell():
        answer = next(answers)
        if answer is not None:
            raise answer
        return "told"

    assert bench.runner._persist(tell) == "told"


def test_telling_the_store_ends_after_the_longest_attempt(store, tmp_path):
    bench = Bench(store, tmp_path, attempt_timeout=-1.0)

    def tell():
        raise Unavailable("store_unavailable")

    with pytest.raises(LeaseLost):
        bench.runner._persist(tell)


class SlowBells(Silent):
    """A broker that takes its time, after the row has been written."""

    def publish(self, job_id, seq):
        time.sleep(0.4)

    ring = publish


def _raises(error):
    def handler(attempt):
        raise error

    return handler


@pytest.mark.parametrize(
    ("handler", "given", "state"),
    [
        (done, {}, "succeeded"),
        (done, {"outputs": ("wav/a.wav",), "promised": ("speech.wav",)}, "succeeded"),
        (_raises(BadMedia("media_empty")), {}, "failed"),
        (_raises(StorageUnavailable("storage_unavailable")), {}, "queued"),
        (_raises(RuntimeError()), {}, "queued"),
        (lambda attempt: Split([NewJob("part", "speech", {})]), {}, "running"),
    ],
    ids=["succeeds", "is copied out", "fails", "is put back", "breaks", "is split"],
)
def test_a_child_whose_attempt_has_just_ended_is_not_taken_for_deaf(
    bench, monkeypatch, handler, given, state
):
    exits = []
    monkeypatch.setattr(lease.os, "_exit", exits.append)
    monkeypatch.setattr(lease, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(lease, "PATIENCE", {"speech": 0.1})
    monkeypatch.setattr(bench.runner.sounds, "keep", lambda *_: time.sleep(0.4))
    job = bench.add(**given)
    bench.store.bells = SlowBells()
    bench.run(lambda attempt: _with_sound(handler(attempt)))
    assert (bench.get(job).state, exits) == (state, [])


def _with_sound(outcome):
    """What is made is to be kept for the next who asks, which takes its time too."""
    return outcome if isinstance(outcome, Split) else replace(outcome, made=object())
