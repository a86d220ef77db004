"""Events on their way from a commit to whoever watches, and what the server knows of workers, in both modes."""

import statistics
import time

import pytest

from speech.queue import open_bells
from speech.store import JobStore
from speech.watch import Watch
from tests.worker_processes import until

pytestmark = pytest.mark.slow
PROMISED = {"embedded": 0.200, "rabbitmq": 0.050}  # seconds, median


@pytest.fixture
def watch(deployment):
    """A server process's watch, heard already."""
    made = Watch(deployment.bells)
    with made.on("warm-up") as changed:
        until(
            lambda: deployment.bells.publish("warm-up", 1) or changed.wait(0.05), 10, "it listens"
        )
    yield made
    made.close()


def test_an_event_reaches_its_client_soon_after_the_commit(deployment, watch):
    bells = open_bells(deployment.settings)  # another process's
    store = JobStore.from_settings(deployment.settings, bells)
    job = deployment.add(sleep=20, steps=1)
    working = deployment.wait_for(job, state="running")
    waits = []
    with watch.on(job.id) as changed:
        for n in range(40):
            changed.clear()
            store.report(working, n / 40, "speaking", [])
            committed = time.perf_counter()
            assert changed.wait(5)
            waits.append(time.perf_counter() - committed)
    deployment.store.cancel(job.id, "default")
    deployment.wait(job)
    bells.close()
    store.db.close()
    assert statistics.median(waits) <= PROMISED[deployment.mode], waits


def test_a_client_that_watches_a_job_hears_its_end(deployment, watch):
    job = deployment.add(sleep=0.3, steps=3)
    with watch.on(job.id) as changed:
        while not deployment.get(job).final:
            changed.clear()
            if not deployment.get(job).final:
                assert changed.wait(5), "an event before the end"
    assert deployment.get(job).state == "succeeded"


def test_a_part_tells_its_parent(deployment, watch):
    parent = deployment.add(parts=2, sleep=0.2)
    heard = 0
    with watch.on(parent.id) as changed:
        while not deployment.get(parent).final:
            if changed.wait(1):
                heard += 1
                changed.clear()
    assert heard >= 2
    deployment.check()


def test_a_worker_says_what_it_has_and_how_quick_it_was(deployment):
    worker = deployment.worker()
    deployment.wait(deployment.add())
    (row,) = [row for row in deployment.workers() if row["id"] == worker.id]
    assert row["lanes"] == ["speech"] and row["ready"]
    assert row["details"]["speech"]["memory_bytes"] > 1e6
    worker.kill()
    deployment.worker()


def test_many_jobs_leave_no_memory_descriptors_or_threads_behind(deployment):
    child = deployment.worker().child()
    _run(deployment, 40)
    before = child.memory_info().rss, child.num_fds(), child.num_threads()
    _run(deployment, 100)
    assert child.memory_info().rss <= before[0] * 1.05 + 2_000_000
    # A connection to SQLite that is open at the moment has three; what leaked would stay.
    until(lambda: child.num_fds() <= before[1] + 2, 5, "the descriptors are as many as before")
    until(lambda: child.num_threads() <= before[2] + 1, 5, "the threads are as many as before")


def _run(deployment, count):
    jobs = [deployment.add() for _ in range(count)]
    for job in jobs:
        assert deployment.wait(job, 60).attempt == 1
