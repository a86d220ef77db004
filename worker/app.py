"""Entry point of a Celery worker: `celery -A worker.app worker -Q moksori.speech.v1`.

Celery carries bells and keeps the pool; jobs, attempts and results are rows of the store. Each setting below is
one that was measured: see docs/reliability.md.
"""

import os
import sys
import time

from celery import Celery

from speech.rabbit import TASK
from speech.settings import BadSettings, Settings
from speech.topology import EXCHANGE, lane_queue
from worker.boot import ModelsReady
from worker.child import host_name
from worker.tasks import run_next

# The parent's boot id, which its spawned children inherit with the environment.
os.environ.setdefault("MOKSORI_BOOT", f"{os.getpid()}-{int(time.time())}")
# SIGTERM means "go soon": the worker stops taking bells and lets its attempt run for a while (worker/boot.py).


def create_worker(settings: Settings) -> Celery:
    """A Celery app that serves the settings' lanes."""
    app = Celery("moksori", broker=settings.broker_url)
    app.conf.update(
        task_queues=[*(lane_queue(lane) for lane in settings.lane_names)],
        task_default_queue=lane_queue(settings.lane_names[0]).name,
        task_default_exchange=EXCHANGE.name,
        task_default_exchange_type=EXCHANGE.type,
        task_default_queue_type="quorum",
        worker_detect_quorum_queues=True,
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        # The row decides about another attempt; a bell that comes back for it would only be noise.
        task_reject_on_worker_lost=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        task_time_limit=settings.attempt_timeout,
        worker_pool_start_method="spawn",  # CUDA does not survive a fork
        worker_consumer="worker.consumer:BellConsumer",
        worker_concurrency=1,
        worker_prefetch_multiplier=1,
        worker_proc_alive_timeout=settings.load_timeout,
        worker_lost_wait=1.0,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_heartbeat=15,
        broker_connection_timeout=4,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=False,
        broker_transport_options={"confirm_publish": True},
        imports=["worker.app", *filter(None, settings.plugins.split(","))],
    )
    app.task(name=TASK)(run_next)
    app.steps["worker"].add(ModelsReady)
    return app


try:
    settings = Settings.from_env()
except BadSettings as error:
    sys.exit(f"This worker does not start: {error}")
app = create_worker(settings)
WORKER = f"{host_name(settings)}/{os.environ['MOKSORI_BOOT']}"

__all__ = ["WORKER", "app", "settings"]
