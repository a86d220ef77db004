"""The sweeper: rings for rows that wait unheard, frees rows whose lease ran out, and ends what is too late.

Every server process and worker parent runs one; a lease row lets one of them sweep at a time.
"""

import logging
import threading
import time
import uuid

from sqlalchemy import Connection, func, select

from speech import claims, family, keys, locks, turns
from speech.database import Tx
from speech.errors import SpeechError, Unavailable
from speech.jobs import LANES
from speech.queue import Bells
from speech.schema import jobs
from speech.settings import Settings
from speech.store import JobStore

log = logging.getLogger(__name__)

MOST_RINGS = 200  # a sweep; more would only pile up before the workers
HEAL_EVERY = 60.0  # seconds between looks for what should never be there


class Sweeper:
    """One thread; `sweep` may also be called by hand."""

    def __init__(self, store: JobStore, bells: Bells, settings: Settings) -> None:
        self.store = store
        self.bells = bells
        self.settings = settings
        self.name = str(uuid.uuid4())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        # Whoever begins to look cannot know whether the store was away just now, so that nobody could renew.
        self._seeing_again = time.monotonic() + settings.lease_seconds  # no lease is judged before
        self._healed = 0.0

    def start(self) -> "Sweeper":
        """Begin sweeping."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End within a moment; another process takes over at once."""
        self._stop.set()
        if not self._thread.is_alive():
            return
        self._thread.join(5)
        try:
            with self.store.writing() as tx:
                locks.let_go(tx, "sweeper", self.name)
        except Unavailable:
            log.info("the store does not answer; the sweeper's lease will run out")

    def _run(self) -> None:
        while not self._rest():
            try:
                self.sweep()
            except Unavailable:
                self._wait_a_lease()  # while the store was away nobody could renew
            except Exception:
                log.exception("The sweep failed; the next one is due in a moment")

    def _rest(self) -> bool:
        """Wait for the next round; True when there is none."""
        began = time.time()  # goes on while a machine is suspended, which monotonic clocks do not
        over = self._stop.wait(self.settings.sweep_seconds)
        self._woke(time.time() - began)
        return over

    def _woke(self, slept: float) -> None:
        if slept - self.settings.sweep_seconds > self.settings.lease_seconds / 2:
            self._wait_a_lease()  # the machine was suspended, and the workers with it

    def sweep(self) -> bool:
        """One round; False when another process holds the sweeper's lease."""
        began = time.monotonic()
        with self.store.writing() as tx:
            if not locks.hold(tx, "sweeper", self.name, 3 * self.settings.sweep_seconds + 2):
                return False
        if time.monotonic() - began > self.settings.lease_seconds / 2:
            self._wait_a_lease()  # a store that kept us waiting kept those who renew waiting too
        if time.monotonic() >= self._seeing_again:
            self._judge()
        self._ring()
        return True

    def _wait_a_lease(self) -> None:
        self._seeing_again = time.monotonic() + self.settings.lease_seconds

    def _judge(self) -> None:
        with self.store.writing() as tx:
            freed = claims.release_expired(tx, self.store.rules)
        for job_id in freed:
            log.warning("job %s: its lease ran out; released", job_id)
        with self.store.writing() as tx:
            expire(tx)
        if time.monotonic() - self._healed > HEAL_EVERY:
            self._healed = time.monotonic()
            with self.store.writing() as tx:
                keys.prune(tx)
                if turns.heal(tx):
                    log.error("Rows without a turn were found and healed; please report this")

    def _ring(self) -> None:
        """At most (due rows - bells ready) rings a lane, so that bells never pile up; one datagram tells all."""
        for lane in LANES:
            with self.store.db.read() as connection:
                waiting = due(connection, lane, self.store.db.now(connection), MOST_RINGS)
            ready = self.bells.ready(lane) if waiting else None
            rings = max(0, waiting - ready) if ready is not None else 0
            for _ in range(min(rings, 1) if self.settings.embedded else rings):
                self.bells.ring(lane, "sweeper")


def due(connection: Connection, lane: str, now: float, limit: int) -> int:
    """How many rows of a lane could be claimed now, counted up to `limit`."""
    rows = select(jobs.c.id).where(jobs.c.claimable, jobs.c.lane == lane, jobs.c.not_before <= now)
    return int(
        connection.execute(
            select(func.count()).select_from(rows.limit(limit).subquery())
        ).scalar_one()
    )


def expire(tx: Tx, limit: int = 100) -> None:
    """Fail jobs whose time to live is over, whatever they are doing."""
    late = tx.connection.execute(
        select(jobs.c.root, jobs.c.id)
        .where(jobs.c.deadline < tx.now)
        .order_by(jobs.c.deadline)
        .limit(limit)
    ).all()
    for row in sorted(late, key=lambda row: (row.root, row.id)):  # the order in which all lock
        job = family.lock(tx, row.id)
        if job is not None and job.winner is None:
            family.finish(tx, job, "failed", SpeechError("expired", ttl=job.ttl))
