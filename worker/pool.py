"""A child of Celery's pool: it releases what its dead sibling held, loads the models, and says so."""

import logging
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
from celery.signals import setup_logging, worker_process_init
from sqlalchemy import select

from speech.errors import Unavailable
from speech.schema import jobs
from speech.settings import Settings
from speech.store import JobStore
from worker import scratch
from worker.child import BROKEN, Child, host_name
from worker.log import set_up_logging
from worker.state import write_state

log = logging.getLogger(__name__)
child: Child | None = None


def worker_id(settings: Settings) -> str:
    """`host/boot` of the worker that this process belongs to."""
    return f"{host_name(settings)}/{os.environ['MOKSORI_BOOT']}"


def state_file() -> Path:
    """Where a child says how it is; the parent reads it."""
    return scratch.folder_of(os.environ["MOKSORI_BOOT"]) / "child.json"


@setup_logging.connect
def log_our_way(**_: object) -> None:
    """Keep Celery from replacing the log handlers."""
    set_up_logging(Settings.from_env())


@worker_process_init.connect
def start_child(**_: object) -> None:
    """Runs in each new child before it takes a bell."""
    global child
    settings = Settings.from_env()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the parent lets the attempt run on for a while
    state = state_file()
    try:
        scratch.use(scratch.child_folder(os.environ["MOKSORI_BOOT"], "child"))
    except FileNotFoundError:
        os._exit(1)  # the parent died while this child was starting; a raise would only be logged
    made = Child(settings, list(settings.lane_names), worker_id(settings), state)
    try:
        release_dead_siblings(made.store, made.worker)
    except Unavailable:
        log.warning("the store does not answer; leases of dead children will run out")
    try:
        child = made.load()
    except Exception:
        log.exception("the models do not load; the worker ends")
        with suppress(OSError):
            write_state(state, {"broken": True})
        os._exit(BROKEN)


def release_dead_siblings(store: JobStore, worker: str) -> None:
    """Free what children of this parent held that are no more. Raises Unavailable."""
    with store.db.read() as connection:
        mine = jobs.c.holder.startswith(f"{worker}/", autoescape=True)
        holders = connection.execute(select(jobs.c.holder).where(mine)).scalars().all()
    for holder in set(holders):
        if is_dead(int(holder.rpartition("-")[2])):
            for job_id in store.release(holder, "crash"):
                log.warning("job %s: its child has died; released", job_id)


def is_dead(pid: int) -> bool:
    """True when no such process runs; one that nobody has buried yet is dead too."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
