"""Store, storage or broker away: no job is lost, and none pays an attempt for it."""

import time

import pytest
from kombu import Connection, Producer

from speech.topology import EXCHANGE
from tests.deployment_fixtures import RABBITMQ
from tests.worker_processes import until

pytestmark = pytest.mark.slow
rabbitmq_only = pytest.mark.parametrize("deployment", [RABBITMQ], indirect=True)


def test_an_outage_of_the_store_in_mid_job_costs_no_attempt(deployment):
    job = deployment.add(sleep=1, steps=20)
    deployment.at_work(job)
    with deployment.store_away():
        time.sleep(
            deployment.settings.lease_seconds + 0.5
        )  # longer than a lease: that is the point
    ended = deployment.wait(job)
    assert (ended.state, ended.attempt) == ("succeeded", 1)
    assert deployment.counts(job) == (0, 0)
    deployment.check()


def test_an_outage_of_the_storage_costs_no_attempt(deployment):
    with deployment.flag("down"):
        hit = deployment.add()
        deployment.wait_for(hit, state="queued", attempt=1)
        behind = [deployment.add() for _ in range(3)]
        time.sleep(3 * deployment.settings.sweep_seconds)  # the sweeper rings for them meanwhile
        assert [deployment.get(job).attempt for job in behind] == [0, 0, 0]
    assert [deployment.wait(job).state for job in (hit, *behind)] == ["succeeded"] * 4
    assert deployment.counts(hit) == (0, 0)
    assert deployment.get(hit).warnings[0]["code"] == "storage_unavailable"
    deployment.check()


def test_an_outage_of_the_storage_before_the_copy_is_made_good(deployment, tmp_path):
    name = f"exports/{tmp_path.name}-{deployment.mode}.wav"
    new = {"outputs": (name,), "promised": ("speech.wav",)}
    log = tmp_path / "runs"
    with deployment.flag("down-copy"):
        job = deployment.add(new=new, log=str(log))
        deployment.wait_for(job, phase="copy")
        until(lambda: "storage" in str(deployment.get(job).warnings), 10, "the outage is told")
    ended = deployment.wait(job)
    assert (ended.state, ended.winner) == ("succeeded", 1)
    assert len(log.read_text().splitlines()) == 1
    deployment.check()


@rabbitmq_only
def test_a_broker_that_is_down_stops_no_job_from_being_accepted(deployment):
    worker = deployment.worker()
    deployment.node.kill()
    began = time.monotonic()
    jobs = [deployment.add() for _ in range(20)]
    assert time.monotonic() - began < 2
    running = deployment.bells.probe()
    assert running is None
    deployment.node.start()
    assert {deployment.wait(job, 60).state for job in jobs} == {"succeeded"}
    assert worker.alive()
    deployment.check()


@rabbitmq_only
def test_a_broker_killed_in_mid_job_costs_no_attempt(deployment):
    job = deployment.add(sleep=2, steps=20)
    deployment.at_work(job)
    deployment.node.kill()
    deployment.node.start()
    ended = deployment.wait(job, 30)
    assert (ended.state, ended.attempt) == ("succeeded", 1)
    assert deployment.wait(deployment.add(), 60).state == "succeeded"
    deployment.check()


@rabbitmq_only
def test_garbage_in_the_queue_leaves_the_worker_healthy(deployment):
    worker = deployment.worker()
    with Connection(deployment.node.url) as connection:
        producer = Producer(connection, exchange=EXCHANGE, routing_key="speech")
        producer.publish(b"\x80\x05N.", content_type="application/x-python-serialize",
                         content_encoding="binary")  # fmt: skip
        task = {"id": "1", "task": "os.system", "lang": "py"}
        producer.publish([["true"], {}, {}], headers=task, serializer="json")
        known = {"id": "2", "task": "moksori.run_next", "lang": "py"}
        producer.publish([["no-such-lane", 7], {}, {}], headers=known, serializer="json")
        producer.publish([[], {}, {}], headers=known | {"id": "3"}, serializer="json")
        producer.publish("not even a task", serializer="json")
    assert deployment.wait(deployment.add()).state == "succeeded"
    until(lambda: deployment.bells.ready("speech") == 0, 10, "the garbage is gone")
    assert worker.alive()
    deployment.check()


@rabbitmq_only
def test_a_broker_out_of_memory_holds_up_no_request(deployment):
    deployment.node.ctl("set_vm_memory_high_watermark", "absolute", "1")
    try:
        began = time.monotonic()
        jobs = [deployment.add() for _ in range(20)]
        assert time.monotonic() - began < 2
    finally:
        deployment.node.ctl("set_vm_memory_high_watermark", "absolute", "1GB")
    assert {deployment.wait(job, 30).state for job in jobs} == {"succeeded"}
    deployment.check()


def test_a_worker_waits_for_a_store_that_is_away_and_goes_on(deployment):
    with deployment.store_away():
        deployment.bells.ring("speech", "nothing")
        time.sleep(0.5)
    assert deployment.worker().alive()
    ended = deployment.wait(deployment.add(), 15)
    assert (ended.state, ended.attempt) == ("succeeded", 1)
    deployment.check()
