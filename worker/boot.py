"""The parent of a Celery worker: no bell before the models are loaded, a row in the store, a timely end."""

import logging
import os
import signal
import sys
import tempfile
import threading
import time
from multiprocessing.util import Finalize
from typing import Any, ClassVar

from celery import bootsteps
from celery.signals import worker_init, worker_ready, worker_shutdown, worker_shutting_down

from speech import migrations, presence
from speech.errors import SpeechError, Unavailable
from speech.queue import open_bells
from speech.settings import Settings
from speech.store import JobStore
from speech.sweeper import Sweeper
from worker.child import BROKEN
from worker.gpu import memory
from worker.pool import is_dead, release_dead_siblings, state_file, worker_id
from worker.scratch import Scratch
from worker.state import read_state

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5  # seconds between looks at the child


class ModelsReady(bootsteps.StartStopStep):
    """Holds the consumer back until the child has loaded its models; ends the worker when it cannot.

    Under spawn, SystemExit in the child's init does not end the worker (measured), so the parent looks itself.
    """

    requires: ClassVar[set[str]] = {"celery.worker.components:Pool"}

    def start(self, worker: Any) -> None:
        """Wait for the child's word."""
        give_up = time.monotonic() + Settings.from_env().load_timeout
        while not (state := read_state(state_file())).get("ready"):
            if state.get("broken") or time.monotonic() > give_up:
                _end_broken()
            if not _child_lives(worker) and not read_state(state_file()):
                # Celery's pool replaces a dead child only once its event loop runs; whoever started us does it.
                sys.exit(
                    "The child died while it loaded its models; this worker ends to be started again"
                )
            time.sleep(0.05)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Replace a dead child soon; under spawn the pool itself only looks every five seconds (measured)."""
        hub.call_repeatedly(LOOK_EVERY, worker.pool.maintain_pool)


class Parent:
    """What runs beside the consumer: the sweeper, and the thread that reports."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.bells = open_bells(settings)
        self.store = JobStore.from_settings(settings, self.bells)
        migrations.check(self.store.db)
        self.scratch = Scratch(os.environ["MOKSORI_BOOT"])
        tempfile.tempdir = str(self.scratch.path)  # Celery's pool makes folders too,
        # and multiprocessing removes them itself, at priority -100: the folder around them goes last.
        Finalize(None, self.scratch.close, exitpriority=-200)
        self._sweeper = Sweeper(self.store, self.bells, settings)
        self._over = threading.Event()
        self._buried: int | None = None  # the last child that was seen dead
        self._leaving = threading.Lock()

    def stand_by(self) -> None:
        """Once bells are taken: report every ten seconds, take part in sweeping, watch the child."""
        self._sweeper.start()
        threading.Thread(target=self._watch, name="presence", daemon=True).start()

    def _watch(self) -> None:
        reported = float("-inf")
        while not self._over.wait(LOOK_EVERY / 2):
            state = read_state(state_file())
            if state.get("broken"):
                _end_broken()
            self._release_dead(state)
            if time.monotonic() - reported >= presence.EVERY:
                reported = time.monotonic()
                self._report(state)

    def _release_dead(self, state: dict[str, Any]) -> None:
        """Free what a child held that has died; its replacement needs seconds to look for itself."""
        pid = state.get("pid")
        if pid is None or pid == self._buried or not is_dead(pid):
            return
        try:
            release_dead_siblings(self.store, worker_id(self.settings))
            self._buried = pid
        except Unavailable:
            log.warning("the store does not answer; the lease of a dead child is for its successor")

    def _report(self, state: dict[str, Any]) -> None:
        lanes = list(self.settings.lane_names)
        worker = worker_id(self.settings)
        details = memory() | state
        try:
            with self._leaving:
                if not self._over.is_set():
                    presence.report(
                        self.store.db, worker, lanes, bool(state), dict.fromkeys(lanes, details)
                    )
        except Unavailable:
            log.warning("the store does not answer; this worker's row is not renewed")

    def end_after_window(self, reason: str) -> None:
        """Let the attempt run on for a while; then release its row, and end."""
        time.sleep(self.settings.stop_window)
        try:
            for job_id in self.store.release(f"{worker_id(self.settings)}/", reason):
                log.warning("job %s: released (%s)", job_id, reason)
        except Unavailable:
            log.warning("the store does not answer; leases will run out")
        self.leave()
        self.scratch.close()
        os.killpg(0, signal.SIGKILL) if os.getpgrp() == os.getpid() else os._exit(0)

    def leave(self) -> None:
        """Take what told of this worker away."""
        self._over.set()
        self._sweeper.stop()
        try:
            with self._leaving:
                presence.leave(self.store.db, worker_id(self.settings))
        except Unavailable:
            log.warning("the store does not answer; this worker's row grows old")
        self.bells.close()


_parent: Parent | None = None


@worker_init.connect
def prepare(sender: Any, **_: object) -> None:
    """Before the pool starts: the lanes that -Q names, the schema, and a folder for temporary files."""
    global _parent
    lanes = [name.split(".")[1] for name in sender.app.amqp.queues.consume_from]
    os.environ["MOKSORI_LANES"] = ",".join(lanes)
    try:
        _parent = Parent(Settings.from_env())
    except SpeechError as error:
        sys.exit(f"This worker does not start: {error}")  # another exception would only be logged


@worker_ready.connect
def stand_by(**_: object) -> None:
    """Bells are taken from now on."""
    assert _parent is not None
    _parent.stand_by()


@worker_shutting_down.connect
def go_in_time(sig: str, **_: object) -> None:
    """SIGTERM or SIGINT has come: no more bells, and not much time."""
    assert _parent is not None
    reason = "ours" if sig == "SIGINT" else "preempted"
    threading.Thread(target=_parent.end_after_window, args=(reason,), daemon=True).start()


@worker_shutdown.connect
def gone(**_: object) -> None:
    """The attempt ended in time, or there was none."""
    if _parent is not None:
        _parent.leave()


def _child_lives(worker: Any) -> bool:
    return any(process.is_alive() for process in worker.pool._pool._pool)


def _end_broken() -> None:
    log.critical("The models do not load (see above); this worker ends. Try: moksori doctor")
    if _parent is not None:
        _parent.leave()
    os._exit(BROKEN)  # the kernel ends the children with us
