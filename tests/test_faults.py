"""Faults in bells, children and workers, in both modes: each job ends once, rightly, with one result."""

import signal

import pytest

from speech.jobs import NewJob
from tests.deployments import Deployment
from tests.recorded_bells import RecordedBells
from tests.worker_processes import until

pytestmark = pytest.mark.slow


def _without_bells(deployment: Deployment, act):
    real, deployment.store.bells = deployment.store.bells, RecordedBells()
    try:
        return act()
    finally:
        deployment.store.bells = real


def test_a_lost_bell_costs_a_moment(deployment):
    job = _without_bells(deployment, lambda: deployment.add())
    assert deployment.wait(job, 10).state == "succeeded"
    deployment.check()


def test_five_bells_for_a_job_run_it_once(deployment, tmp_path):
    log = tmp_path / "runs"
    job = deployment.add(sleep=0.3, log=str(log))
    for _ in range(5):
        deployment.bells.ring("speech", job.id)
    assert deployment.wait(job).attempt == 1
    after = deployment.add(log=str(log))
    deployment.wait(after)
    assert sorted(log.read_text().split()) == sorted([job.id, "1", after.id, "1"])
    deployment.check()


def test_a_late_bell_finds_nothing_to_do(deployment):
    job = deployment.wait(deployment.add())
    deployment.bells.ring("speech", job.id)
    assert deployment.wait(deployment.add()).state == "succeeded"
    assert deployment.get(job) == job
    deployment.check()


def test_one_bell_for_two_rows_runs_both(deployment):
    two = [_without_bells(deployment, lambda: deployment.add()) for _ in range(2)]
    deployment.bells.ring("speech", two[0].id)
    assert [deployment.wait(job).attempt for job in two] == [1, 1]
    deployment.check()


def test_a_server_killed_between_commit_and_ring_loses_nothing(deployment):
    job = deployment.accept_and_die()
    assert deployment.wait(job, 10).state == "succeeded"
    deployment.check()


def test_a_killed_child_costs_its_job_one_attempt(deployment):
    worker = deployment.worker()
    job = deployment.add(sleep=1, steps=10)
    deployment.at_work(job)
    killed = worker.child()
    killed.kill()
    ended = deployment.wait(job)
    assert (ended.state, ended.attempt) == ("succeeded", 2)
    assert deployment.counts(job) == (1, 0)
    assert worker.alive() and worker.child().pid != killed.pid
    deployment.check()


def test_a_killed_worker_costs_its_job_one_lease(deployment):
    worker = deployment.worker()
    job = deployment.add(sleep=1, steps=10)
    deployment.at_work(job)
    worker.kill()
    deployment.worker()
    ended = deployment.wait(job)
    assert (ended.state, ended.attempt) == ("succeeded", 2)
    assert deployment.counts(job) == (0, 1)
    deployment.check()


def test_an_idle_child_that_is_killed_is_replaced(deployment):
    worker = deployment.worker()
    worker.child().kill()
    assert deployment.wait(deployment.add()).attempt == 1
    deployment.check()


def test_a_poison_job_is_given_up_and_its_neighbours_know_nothing_of_it(deployment):
    before, poison, after = deployment.add(), deployment.add(die=9), deployment.add()
    ended = deployment.wait(poison, 40)
    assert (ended.state, ended.error["code"], ended.attempt) == ("failed", "worker_lost", 3)
    assert deployment.wait(before).attempt == deployment.wait(after).attempt == 1
    deployment.check()


def test_an_attempt_that_comes_back_after_a_takeover_changes_nothing(deployment):
    first = deployment.worker()
    job = deployment.add(sleep=0.5, steps=5)
    deployment.at_work(job)
    first.freeze()
    second = deployment.start_worker().wait_ready()
    ended = deployment.wait(job)
    assert (ended.state, ended.winner, ended.attempt) == ("succeeded", 2, 2)
    first.thaw()
    deployment.check()
    until(lambda: "no longer stands" in first.tail(), 10, "the first attempt gave up", 0.05)
    second.stop(signal.SIGKILL)
    assert deployment.wait(deployment.add()).state == "succeeded"
    assert deployment.get(job) == ended
    deployment.check()


def test_an_interactive_job_is_next_after_200_batch_items(deployment, tmp_path):
    log = tmp_path / "runs"
    plan = {"sleep": 0.02, "log": str(log)}
    items = [NewJob("speech", "speech", {"input": str(n), "stub": plan}) for n in range(200)]
    new = NewJob("batch", "speech", {"stub": {}}, priority="batch")
    batch, _ = deployment.store.create(new, items)
    deployment.accepted.append(batch.id)
    until(lambda: deployment.get(batch).children["succeeded"] > 3, 20, "the batch is at work")
    started = len(log.read_text().splitlines())
    job = deployment.add(log=str(log))
    deployment.wait(job)
    ran = [line.split()[0] for line in log.read_text().splitlines()]
    # One may run already, and every tenth claim prefers the batch.
    assert ran.index(job.id) - started <= 3
    deployment.store.cancel(batch.id, "default")
    until(lambda: all(one.final for one in deployment.store.children(batch.id)), 10, "all ended")
    counts = deployment.get(batch).children
    assert counts["succeeded"] + counts["failed"] == counts["total"] == 200
    deployment.check()


def test_a_parent_whose_last_parts_end_together_is_joined_once(deployment, tmp_path):
    log = tmp_path / "runs"
    second = deployment.start_worker().wait_ready()
    parents = [deployment.add(parts=2, log=str(log), sleep=0.2) for _ in range(6)]
    for parent in parents:
        ended = deployment.wait(parent)
        assert (ended.state, ended.result, ended.attempt) == ("succeeded", {"text": "0+1"}, 2)
    lines = log.read_text().splitlines()
    assert len(lines) == len(set(lines)) == 6 * 3
    deployment.check()
    second.close()


def test_a_crash_between_commit_and_copy_is_made_good_by_a_copy(deployment, tmp_path):
    log = tmp_path / "runs"
    name = f"exports/{tmp_path.name}-{deployment.mode}.wav"
    with deployment.flag("hold-copy"):
        new = {"outputs": (name,), "promised": ("speech.wav",)}
        job = deployment.add(new=new, log=str(log))
        deployment.wait_for(job, phase="copy")
        assert deployment.storage.stat(name) is None
        deployment.worker().child().kill()
    ended = deployment.wait(job)
    assert (ended.state, ended.winner, ended.attempt) == ("succeeded", 1, 2)
    assert log.read_text().splitlines() == [f"{job.id} 1"]
    deployment.check()


def test_a_promised_name_that_is_taken_fails_the_job_unless_it_may_be_overwritten(
    deployment, tmp_path
):
    name = f"exports/{tmp_path.name}-{deployment.mode}.wav"
    deployment.storage.put(name, b"somebody's", "audio/wav", owner="somebody")
    new = {"outputs": (name,), "promised": ("speech.wav",)}
    refused = deployment.wait(deployment.add(new=new))
    assert (refused.state, refused.error["code"]) == ("failed", "output_exists")
    assert b"".join(deployment.storage.open(name)) == b"somebody's"
    made = deployment.wait(deployment.add(new=new | {"overwrite": True}))
    assert made.state == "succeeded"
    deployment.check(leftovers=False)


def test_a_job_ends_when_its_time_to_live_is_over(deployment):
    running = deployment.add(new={"ttl": 0.8}, sleep=30, steps=300)
    waiting = deployment.add(new={"ttl": 0.8})
    for job in (running, waiting):
        ended = deployment.wait(job, 10)
        assert (ended.state, ended.error["code"]) == ("failed", "expired")
    assert deployment.wait(deployment.add(), 5).state == "succeeded"
    deployment.check()


@pytest.mark.parametrize("deaf", [False, True], ids=["listening", "deaf"])
def test_a_cancelled_job_stops_within_a_second(deployment, deaf):
    job = deployment.add(sleep=30, steps=1 if deaf else 300, deaf=deaf)
    deployment.wait_for(job, state="running")
    deployment.store.cancel(job.id, "default")
    assert deployment.wait(job, 1.5).state == "cancelled"
    behind = deployment.add()
    assert deployment.wait(behind, 15).attempt == 1
    deployment.check()


def test_a_queued_job_is_cancelled_at_once(deployment):
    busy, queued = deployment.add(sleep=1, steps=10), deployment.add()
    assert deployment.store.cancel(queued.id, "default").state == "cancelled"
    assert deployment.wait(busy).state == "succeeded"
    assert deployment.get(queued).attempt == 0
    deployment.check()


def test_what_the_engine_refuses_fails_at_once(deployment):
    ended = deployment.wait(deployment.add(refuse=True))
    assert (ended.state, ended.error["code"], ended.attempt) == ("failed", "media_empty", 1)
    deployment.check()
