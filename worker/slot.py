"""What runs in a dispatcher's child: load the models, then run one job for each word from the pipe."""

import logging
import os
import signal
import threading
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process
from pathlib import Path

from speech.errors import LeaseLost, Unavailable
from speech.settings import Settings
from worker import scratch
from worker.child import BROKEN, Child
from worker.log import set_up_logging

log = logging.getLogger(__name__)


def child_main(pipe: Connection, settings: Settings, lane: str, worker: str, state: Path) -> None:
    """Run until the parent is gone; the parent decides about signals, so this process ignores them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    set_up_logging(settings)
    scratch.use(scratch.child_folder(worker.rpartition("/")[2], lane))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        child = Child(settings, [lane], worker, state).load()
    except Exception:
        log.exception("%s: the models do not load", lane)
        os._exit(BROKEN)
    pipe.send("ready")
    try:
        while True:
            pipe.recv()
            pipe.send("ran" if _run(child, lane) else "nothing")
    except (EOFError, OSError):
        return  # the parent has let go of us


def _run(child: Child, lane: str) -> bool:
    try:
        return child.run_next(lane)
    except (Unavailable, LeaseLost):
        return False  # the store is away; the dispatcher asks again in a second


def _end_with_parent() -> None:
    """A kill -9 of the parent must not leave a child at work."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
