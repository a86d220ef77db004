"""Inputs, fetched when needed and a few before that."""

import threading

import pytest

from speech.errors import Internal, NotFound
from tests.stub_runners import Bench
from tests.worker_processes import until
from worker.staging import Staging


@pytest.fixture
def bench(store, tmp_path):
    return Bench(store, tmp_path, concurrent_downloads=3)


@pytest.fixture
def staging(bench):
    made = Staging(bench.store, bench.storage, bench.settings)
    yield made
    made.close()


def _with_input(bench, n):
    bench.storage.put(f"uploads/{n}", f"bytes {n}".encode(), "audio/wav", owner=str(n))
    return bench.add("transcription", input={"key": f"uploads/{n}"})


def test_an_input_is_fetched_when_it_is_taken(bench, staging, tmp_path):
    job = _with_input(bench, 0)
    assert staging.take(job, tmp_path).read_text() == "bytes 0"


def test_coming_inputs_are_staged_and_then_taken_without_another_fetch(
    bench, staging, tmp_path, monkeypatch
):
    jobs = [_with_input(bench, n) for n in range(4)]
    staging.look_ahead("transcription")
    until(lambda: all(f.done() for f in staging._coming.values()), 5, "they are staged")
    assert list(staging._coming) == [job.id for job in jobs[:2]]
    monkeypatch.setattr(bench.storage, "fetch", None)
    assert staging.take(jobs[1], tmp_path).read_text() == "bytes 1"


def test_nothing_is_staged_for_a_lane_without_inputs(bench, staging):
    _with_input(bench, 0)
    staging.look_ahead("speech")
    assert not staging._coming


def test_what_is_no_longer_next_is_forgotten_and_removed(bench, staging):
    job = _with_input(bench, 0)
    staging.look_ahead("transcription")
    until(lambda: staging._coming[job.id].done(), 5, "it is staged")
    path = staging._coming[job.id].result()
    bench.store.cancel(job.id, "default")
    staging.look_ahead("transcription")
    assert not staging._coming and not path.exists()


def test_a_staged_fetch_that_failed_is_tried_again_by_the_attempt(bench, staging, tmp_path):
    job = bench.add("transcription", input={"key": "uploads/later"})
    staging.look_ahead("transcription")
    until(lambda: staging._coming[job.id].done(), 5, "it was tried")
    bench.storage.put("uploads/later", b"here", "audio/wav", owner="x")
    assert staging.take(job, tmp_path).read_bytes() == b"here"


def test_an_input_that_is_not_there_is_told(bench, staging, tmp_path):
    with pytest.raises(NotFound):
        staging.take(bench.add(input={"key": "uploads/none"}), tmp_path)
    with pytest.raises(Internal):
        staging.take(bench.add(), tmp_path)


def test_closing_leaves_no_file_and_no_thread(bench, staging):
    _with_input(bench, 0)
    staging.look_ahead("transcription")
    until(lambda: all(f.done() for f in staging._coming.values()), 5, "it is staged")
    folder = staging._folder
    staging.close()
    assert not folder.exists()
    until(
        lambda: not any(t.name.startswith("staging") for t in threading.enumerate()), 5, "no thread"
    )
