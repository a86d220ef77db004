"""The parent of a Celery worker: no bell before the models are loaded, a row in the store, a timely end."""

import logging
import os
import signal
import threading
import time
from typing import Any, ClassVar

from celery import bootsteps
from celery.signals import worker_init, worker_ready, worker_shutting_down

from speech import migrations, presence
from speech.errors import Unavailable
from speech.queue import open_bells
from speech.settings import Settings
from speech.store import JobStore
from speech.sweeper import Sweeper
from worker.child import BROKEN, read_state
from worker.pool import state_file, worker_id

log = logging.getLogger(__name__)


class ModelsReady(bootsteps.StartStopStep):  # type: ignore[misc]
    """Holds the consumer back until the child has loaded its models; ends the worker when it cannot.

    Under spawn, SystemExit in the child's init does not end the worker (measured), so the parent looks itself.
    """

    requires: ClassVar[set[str]] = {"celery.worker.components:Pool"}

    def start(self, worker: Any) -> None:
        """Wait for the child's word."""
        settings = Settings.from_env()
        give_up = time.monotonic() + settings.load_timeout
        while not (state := read_state(state_file(settings))).get("ready"):
            if state.get("broken") or time.monotonic() > give_up:
                log.critical(
                    "The models do not load (see above); this worker ends. Try: moksori doctor"
                )
                _end_children(worker)
                os._exit(BROKEN)
            time.sleep(0.05)


@worker_init.connect
def prepare(sender: Any, **_: object) -> None:
    """Before the pool starts: the lanes that -Q names, and the schema."""
    lanes = [name.split(".")[1] for name in sender.app.amqp.queues.consume_from]
    os.environ["MOKSORI_LANES"] = ",".join(lanes)
    settings = Settings.from_env()
    state_file(settings).unlink(missing_ok=True)
    migrations.check(JobStore.from_settings(settings, open_bells(settings)).db)


@worker_ready.connect
def stand_by(sender: Any, **_: object) -> None:
    """Once bells are taken: report every ten seconds, take part in sweeping, watch the child."""
    settings = Settings.from_env()
    bells = open_bells(settings)
    store = JobStore.from_settings(settings, bells)
    Sweeper(store, bells, settings).start()
    threading.Thread(target=_report, args=(store, settings, sender), daemon=True).start()


def _report(store: JobStore, settings: Settings, worker: Any) -> None:
    while True:
        state = read_state(state_file(settings))
        if state.get("broken"):
            log.critical("A new child cannot load its models; this worker ends")
            os._exit(BROKEN)
        lanes = list(settings.lane_names)
        try:
            presence.report(
                store.db, worker_id(settings), lanes, bool(state), {lane: state for lane in lanes}
            )
        except Unavailable:
            log.warning("the store does not answer; this worker's row is not renewed")
        time.sleep(presence.EVERY)


@worker_shutting_down.connect
def go_in_time(sig: str, **_: object) -> None:
    """The attempt may run on for a while; then its row is released, and the worker is gone."""
    settings = Settings.from_env()
    reason = "ours" if sig == "SIGINT" else "preempted"
    threading.Thread(target=_end_after_window, args=(settings, reason), daemon=True).start()


def _end_after_window(settings: Settings, reason: str) -> None:
    time.sleep(settings.stop_window)
    bells = open_bells(settings)
    store = JobStore.from_settings(settings, bells)
    try:
        for job_id in store.release(f"{worker_id(settings)}/", reason):
            log.warning("job %s: released (%s)", job_id, reason)
        presence.leave(store.db, worker_id(settings))
        bells.close()
    except Unavailable:
        log.warning("the store does not answer; leases will run out")
    os.killpg(0, signal.SIGKILL) if os.getpgrp() == os.getpid() else os._exit(0)


def _end_children(worker: Any) -> None:
    if worker.pool is not None:
        worker.pool.terminate()
