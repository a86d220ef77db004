"""How workers begin and end: loading, broken models, signals, time limits, their row in the store."""

import signal

import psutil
import pytest

from speech.migrations import wanted
from speech.queue import Silent
from tests.deployment_fixtures import RABBITMQ
from tests.worker_processes import until
from worker.child import BROKEN
from worker.pool import is_dead

pytestmark = pytest.mark.slow


def _only(deployment, worker):
    """End every other worker, so that what follows concerns this one."""
    for one in deployment.started:
        if one is not worker and one.alive():
            one.close()
    return worker


def test_sigterm_lets_a_short_attempt_end_and_the_row_of_the_worker_goes(deployment):
    worker = _only(deployment, deployment.start_worker(MOKSORI_STOP_WINDOW="15").wait_ready())
    job = deployment.add(sleep=0.6, steps=6)
    deployment.at_work(job)
    code = worker.stop(signal.SIGTERM)
    assert code == 0
    assert (deployment.get(job).state, deployment.get(job).attempt) == ("succeeded", 1)
    assert worker.id not in {row["id"] for row in deployment.workers()}
    assert not (deployment.temporary / f"moksori-worker-{worker.boot}").exists()
    deployment.check()


@pytest.mark.parametrize(
    ("number", "counted"), [(signal.SIGTERM, (0, 1)), (signal.SIGINT, (0, 0))], ids=["TERM", "INT"]
)
def test_a_long_attempt_goes_elsewhere_when_its_worker_is_told_to_stop(deployment, number, counted):
    both = [deployment.worker(), deployment.start_worker().wait_ready()]
    job = deployment.add(sleep=3, steps=30)
    deployment.at_work(job)
    first = next(one for one in both if deployment.holder(job).startswith(one.id))
    (second,) = (one for one in both if one is not first)
    first.stop(number)
    deployment.wait_for(job, 5, attempt=2)
    assert deployment.counts(job) == counted
    assert deployment.wait(job).state == "succeeded"
    alive = {row["id"] for row in deployment.workers()}
    assert second.id in alive and first.id not in alive
    deployment.check()


def test_a_child_killed_while_the_model_loads_is_replaced(deployment):
    with deployment.flag("load", "2"):
        worker = _only(deployment, deployment.start_worker())
        worker.child().kill()
        if deployment.mode == "rabbitmq":  # whoever started it starts it again
            assert worker.process.wait(10) not in (0, BROKEN)
    deployment.worker()
    assert deployment.wait(deployment.add()).attempt == 1
    deployment.check()


def test_a_worker_whose_model_is_broken_ends_with_its_own_code_and_takes_no_job(deployment):
    with deployment.flag("broken"):
        worker = _only(deployment, deployment.start_worker())
        job = deployment.add()
        assert worker.process.wait(20) == BROKEN
        assert deployment.get(job).attempt == 0
    deployment.worker()
    assert deployment.wait(job).attempt == 1
    deployment.check()


def test_a_worker_whose_new_child_cannot_load_ends_too(deployment):
    worker = deployment.worker()
    with deployment.flag("broken"):
        job = deployment.add(sleep=1, steps=10)
        deployment.at_work(job)
        worker.child().kill()
        assert worker.process.wait(20) == BROKEN
        assert deployment.get(job).state == "queued"
    deployment.worker()
    ended = deployment.wait(job)
    assert (ended.state, ended.attempt) == ("succeeded", 2)
    deployment.check()


@pytest.mark.parametrize("deployment", [RABBITMQ], indirect=True)
def test_a_model_that_loads_slower_than_celery_waits_by_default_survives_a_killed_child(deployment):
    worker = deployment.worker()
    with deployment.flag("load", "5"):
        killed = worker.child()
        killed.kill()
        killed.wait(10)  # a process that is dying still looks like one that loads
        until(lambda: worker.children(), 10, "a new child")
        new = worker.child()
        job = deployment.add()
        assert deployment.wait(job, 20).attempt == 1
        assert worker.child().pid == new.pid
    deployment.check()


def test_an_attempt_that_runs_too_long_is_killed(deployment):
    worker = _only(deployment, deployment.start_worker(MOKSORI_ATTEMPT_TIMEOUT="0.8").wait_ready())
    before = worker.child().pid
    job = deployment.add(sleep=60, steps=1)
    deployment.wait_for(job, 10, attempt=2)
    assert deployment.counts(job)[0] == 1
    deployment.store.cancel(job.id, "default")
    assert deployment.wait(job).state == "cancelled"
    assert worker.child().pid != before
    deployment.check()


def test_a_deaf_transcription_is_cancelled_within_five_seconds(deployment):
    child = deployment.start_worker("transcription").wait_ready().child()
    job = deployment.add(lane="transcription", sleep=30, steps=1, deaf=True)
    deployment.wait_for(job, state="running")
    deployment.store.cancel(job.id, "default")
    until(lambda: is_dead(child.pid), 5.5, "the engine has stopped", 0.05)
    assert deployment.get(job).state == "cancelled"
    deployment.check()


def test_no_process_outlives_a_killed_parent(deployment):
    worker = deployment.worker()
    below = worker.family()
    worker.kill()
    assert not [one for one in below if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    successor = deployment.worker()
    found = [path.name for path in deployment.temporary.iterdir()]
    assert found == [f"moksori-worker-{successor.boot}"]


def test_a_worker_sweeps_when_no_server_does(deployment):
    deployment.sweeper.stop()
    real, deployment.store.bells = deployment.store.bells, Silent()
    job = deployment.add()
    deployment.store.bells = real
    assert deployment.wait(job, 15).state == "succeeded"
    deployment.start_sweeper()
    deployment.check()


def test_a_worker_refuses_an_older_schema(deployment):
    with deployment.store.db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'older'")
    try:
        worker = deployment.start_worker()
        assert worker.process.wait(20) not in (0, BROKEN)
        assert "moksori migrate" in worker.tail()
    finally:
        with deployment.store.db.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{wanted()}'")
