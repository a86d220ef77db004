"""The embedded worker: one spawned child a lane, told to run whenever a bell rings or a second has passed.

The job table is the queue; the child claims, so a child that is killed before its claim leaves the row queued.
Why not a Celery transport that needs no server: they lose or stall on a kill -9 (measured; see docs/reliability.md).
"""

import logging
import multiprocessing
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

from speech import presence
from speech.datagrams import Bell
from speech.errors import Unavailable
from speech.settings import Settings
from speech.store import JobStore
from worker.child import BROKEN
from worker.gpu import memory
from worker.lease import ENDED_BY_US
from worker.scratch import Scratch
from worker.slot import child_main
from worker.state import read_state

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds; a lost bell costs no more
SOON = 0.1  # seconds between looks while a child is to be born
SPAWN = multiprocessing.get_context("spawn")


@dataclass
class Slot:
    """One lane's child: a process and a pipe of its own (a shared one can be left locked by a kill)."""

    lane: str
    state: Path
    process: SpawnProcess | None = None
    pipe: Connection | None = None
    ready: bool = False
    busy_since: float | None = None
    born: float = 0.0
    pause: float = 0.2  # before the next birth, doubled by each early death
    again: bool = field(default=True)  # there may be more to run

    @property
    def idle(self) -> bool:
        """Ready and not at work."""
        return self.ready and self.busy_since is None


class Dispatcher:
    """Runs until it is told to stop; returns the exit code of the worker."""

    def __init__(self, settings: Settings, store: JobStore, worker: str) -> None:
        self.settings = settings
        self.store = store
        self.worker = worker  # host/boot
        self.bell = Bell(settings.data / "bells", "worker")
        self.scratch = Scratch(worker.rpartition("/")[2])
        self.slots = [
            Slot(lane, self.scratch.path / f"{lane}.json") for lane in settings.lane_names
        ]
        self.stopping: str | None = None  # the reason: "ours" or "preempted"
        self._stop_at = 0.0
        self._reported = 0.0
        self._looked = 0.0

    def run(self) -> int:
        """The loop: start children, hand out work, bury the dead."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        for slot in self.slots:
            self._start(slot)
        try:
            while not self._done():
                self._hand_out()
                self._listen()
                if any(self._look_after(slot) == BROKEN for slot in self.slots):
                    return BROKEN
                self._report()
            return 0
        finally:
            self._end()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self.stopping = self.stopping or ("ours" if number == signal.SIGINT else "preempted")
        self._stop_at = time.monotonic() + self.settings.stop_window

    def _done(self) -> bool:
        if not self.stopping:
            return False
        busy = any(slot.busy_since is not None for slot in self.slots)
        return not busy or time.monotonic() > self._stop_at

    def _start(self, slot: Slot) -> None:
        mine, theirs = SPAWN.Pipe()
        slot.state.unlink(missing_ok=True)
        slot.process = SPAWN.Process(
            target=child_main,
            args=(theirs, self.settings, slot.lane, self.worker, slot.state),
            name=f"moksori-{slot.lane}",
        )
        slot.process.start()
        theirs.close()  # else the end of the child would not close the pipe
        slot.pipe, slot.born = mine, time.monotonic()
        slot.ready, slot.busy_since, slot.again = False, None, True

    def _hand_out(self) -> None:
        for slot in self.slots:
            if slot.idle and slot.again and not self.stopping:
                assert slot.pipe is not None
                slot.again = False
                try:
                    slot.pipe.send("run")
                except OSError:
                    continue  # it has died; its pipe says so in a moment
                slot.busy_since = time.monotonic()

    def _listen(self) -> None:
        pipes = [slot.pipe for slot in self.slots if slot.pipe is not None]
        unborn = len(pipes) < len(self.slots)
        heard = wait([self.bell.socket, *pipes], timeout=SOON if unborn else LOOK_EVERY)
        # By the clock too: one lane's busy child must not keep another from its look.
        if self.bell.socket in heard or time.monotonic() - self._looked >= LOOK_EVERY:
            self._looked = time.monotonic()
            self.bell.drain()
            for slot in self.slots:
                slot.again = True

    def _look_after(self, slot: Slot) -> int:
        """Read what the child says; replace it when it is dead. BROKEN when its models do not load."""
        if slot.process is None or slot.pipe is None:
            if time.monotonic() - slot.born > slot.pause and not self.stopping:
                self._start(slot)
            return 0
        try:
            while slot.pipe.poll():
                self._hear(slot, slot.pipe.recv())
        except (EOFError, OSError):
            return self._bury(slot)
        if self._overdue(slot):
            log.error("%s: the attempt ran over its time; killing the child", slot.lane)
            slot.process.kill()
        return 0

    def _hear(self, slot: Slot, said: str) -> None:
        slot.busy_since = None
        if said == "ready":
            slot.ready = True
            self._reported = 0.0
            log.info("%s: models loaded in %.1f s", slot.lane, time.monotonic() - slot.born)
        else:
            slot.again = slot.again or said == "ran"
            slot.pause = 0.2

    def _overdue(self, slot: Slot) -> bool:
        limit = self.settings.attempt_timeout if slot.ready else self.settings.load_timeout
        since = slot.busy_since if slot.ready else slot.born
        return since is not None and time.monotonic() - since > limit

    def _bury(self, slot: Slot) -> int:
        assert slot.process is not None and slot.pipe is not None
        slot.process.join(5)
        slot.process.kill()  # one that hangs while it ends must not hold up the other lanes
        slot.process.join()
        code = slot.process.exitcode
        slot.pipe.close()
        holder = f"{self.worker}/{slot.lane}-{slot.process.pid}"
        slot.process, slot.pipe, slot.ready, slot.busy_since = None, None, False, None
        self._release(holder, "ours" if code == ENDED_BY_US else "crash")
        if code == BROKEN:
            log.error("%s: its models do not load; the worker ends", slot.lane)
            return BROKEN
        if time.monotonic() - slot.born > 10:
            slot.pause = 0.2
        slot.born, slot.pause = time.monotonic(), min(5.0, slot.pause * 2)
        log.warning("%s: child ended with %s; a new one starts", slot.lane, code)
        return 0

    def _release(self, holder: str, reason: str) -> None:
        try:
            for job_id in self.store.release(holder, reason):
                log.warning("job %s: released (%s)", job_id, reason)
        except Unavailable:
            log.warning("the store does not answer; the lease of %s will run out", holder)

    def _report(self) -> None:
        if time.monotonic() - self._reported < presence.EVERY:
            return
        self._reported = time.monotonic()
        shared = memory()
        details = {slot.lane: shared | read_state(slot.state) for slot in self.slots}
        ready = all(slot.ready for slot in self.slots)
        try:
            presence.report(
                self.store.db, self.worker, [s.lane for s in self.slots], ready, details
            )
        except Unavailable:
            log.warning("the store does not answer; this worker's row is not renewed")

    def _end(self) -> None:
        for slot in self.slots:
            if slot.pipe is not None:
                slot.pipe.close()  # an idle child ends by itself, and tidies up
        for slot in self.slots:
            if slot.process is not None:
                slot.process.join(2 if slot.idle else 0)
                slot.process.kill()
                slot.process.join()
        self._release(f"{self.worker}/", self.stopping or "ours")
        try:
            presence.leave(self.store.db, self.worker)
        except Unavailable:
            pass  # the row grows old and is taken for dead
        self.bell.close()
        self.scratch.close()
