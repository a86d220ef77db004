"""The Celery worker's settings: each was measured, see docs/reliability.md; a change must be a decision."""

import json
import subprocess
import sys

import pytest

from speech.rabbit import TASK
from worker.consumer import BellConsumer


@pytest.fixture(scope="module")
def conf():
    """The settings as a worker's process has them (its module reads the environment)."""
    code = (
        "import json; from speech.settings import Settings; from worker.app import create_worker;"
        "app = create_worker(Settings(broker_url='amqp://x', lanes='speech', load_timeout=120.0));"
        "c = app.conf; print(json.dumps({**{k: c[k] for k in ("
        "'task_acks_late','task_reject_on_worker_lost','worker_pool_start_method',"
        "'worker_consumer','worker_concurrency','worker_prefetch_multiplier','worker_proc_alive_timeout',"
        "'worker_enable_remote_control','worker_send_task_events','task_ignore_result',"
        "'accept_content','task_serializer','worker_detect_quorum_queues','task_time_limit',"
        "'task_create_missing_queues','broker_heartbeat','broker_connection_max_retries',"
        "'worker_cancel_long_running_tasks_on_connection_loss','broker_channel_error_retry',"
        "'result_backend')},"
        "'queues': [q.name for q in c['task_queues']],"
        "'arguments': c['task_queues'][0].queue_arguments, 'durable': c['task_queues'][0].durable,"
        "'tasks': [t for t in app.tasks if not t.startswith('celery.')]}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", False),
        ("worker_cancel_long_running_tasks_on_connection_loss", False),
        ("worker_pool_start_method", "spawn"),
        ("worker_consumer", "worker.consumer:BellConsumer"),
        ("worker_concurrency", 1),
        ("worker_prefetch_multiplier", 1),
        ("worker_proc_alive_timeout", 120.0),
        ("task_time_limit", 1800.0),
        ("worker_enable_remote_control", False),
        ("worker_send_task_events", False),
        ("task_ignore_result", True),
        ("result_backend", None),
        ("accept_content", ["json"]),
        ("task_serializer", "json"),
        ("worker_detect_quorum_queues", True),
        ("task_create_missing_queues", False),
        ("broker_heartbeat", 15),
        ("broker_connection_max_retries", None),
        ("broker_channel_error_retry", False),
        ("queues", ["moksori.speech.v1"]),
        ("durable", True),
        ("tasks", [TASK]),
    ],
)
def test_a_setting_is_as_it_was_measured(conf, name, value):
    assert conf[name] == value


def test_a_lanes_queue_is_a_quorum_queue_with_a_limit_and_dead_letters(conf):
    assert conf["arguments"] == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "moksori.dead.v1",
    }


def test_the_consumer_makes_no_delay_queues_and_skips_nothing_else():
    ours, theirs = (
        kind.Blueprint.default_steps for kind in (BellConsumer, BellConsumer.__mro__[1])
    )
    left_out = [step for step in theirs if step not in ours]
    assert left_out == ["celery.worker.consumer.delayed_delivery:DelayedDelivery"]
