"""The job store: each method is one short transaction; what it changed is rung once it is committed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from speech import claims, erasing, family, keys, queries, quotas, self_checks, turns, uploads
from speech.claims import Rules
from speech.database import Database, Tx
from speech.errors import Conflict, Gone, InvalidRequest, SpeechError
from speech.jobs import FINAL, Artifact, Job, NewJob
from speech.keys import Once
from speech.queue import Bells, Silent
from speech.quotas import Account
from speech.rows import change, insert_jobs, load
from speech.settings import Settings

PACE_GOOD_FOR = 2.0  # seconds
MOST_RINGS = 200  # for one batch

log = logging.getLogger(__name__)


class JobStore:
    """Jobs in a database. `bells` carries rings and events to whoever waits; both are hints, never data."""

    def __init__(
        self, db: Database, bells: Bells | None = None, rules: Rules | None = None
    ) -> None:
        self.db = db
        self.bells: Bells = bells or Silent()
        self.rules = rules or Rules()
        self._paces: dict[str, tuple[float, queries.Pace | None]] = {}

    @classmethod
    def from_settings(cls, settings: Settings, bells: Bells, *, durable: bool = True) -> "JobStore":
        """The store that the settings name."""
        rules = Rules(
            lease=settings.lease_seconds,
            crashes=settings.max_crashes,
            interruptions=settings.max_interruptions,
            outage=settings.outage_seconds,
        )
        return cls(Database(settings.store_url, durable=durable), bells, rules)

    @contextmanager
    def writing(self) -> Iterator[Tx]:
        """A write transaction; its rings and events go out after the commit."""
        with self.db.write() as tx:
            yield tx
        for job_id, seq in dict(tx.events).items():
            self.bells.publish(job_id, seq)
        for lane, job_id in tx.rings:
            self.bells.ring(lane, job_id)

    # What the server does ---------------------------------------------------------------------------

    def create(
        self, new: NewJob, children: list[NewJob] | None = None, once: Once | None = None,
        account: Account | None = None,
    ) -> tuple[Job, bool]:  # fmt: skip
        """Accept a job (a batch with its items); (job, whether it was made now).

        With `once`, a repeat finds the first job. With `account`, it counts against that key. Raises
        Conflict("idempotency_mismatch") for another body, LimitReached for a key that has no room, and
        NotFound("upload_not_found") when an upload that it names has gone.
        """
        with self.writing() as tx:
            if once is not None:
                found = keys.find(tx, new.tenant, once)
                if found is not None:
                    return found, False
            uploads.hold(tx, [new, *(children or [])])
            job_id = self._insert(tx, new, children or [], account)
            if once is not None:
                keys.claim(tx, new.tenant, once, job_id)
            return _there(tx, job_id), True

    def _insert(
        self, tx: Tx, new: NewJob, children: list[NewJob], account: Account | None = None
    ) -> str:
        if account is not None:
            quotas.check_room(tx, account, len(children) or 1)
            new = replace(new, api_key=account.key)
        (job_id,) = insert_jobs(tx, [new], waiting=len(children))
        if not children:
            turns.enter(tx, new.lane, new.priority, new.tenant, job_id)
            tx.rings.append((new.lane, job_id))
            return job_id
        child_ids = insert_jobs(tx, children, parent=_there(tx, job_id))
        for lane in sorted({child.lane for child in children}):
            turns.enter(tx, lane, new.priority, new.tenant, job_id)
        # Bells enough for every worker; the sweeper rings for the rest as they come due.
        first = list(zip(children, child_ids, strict=True))[:MOST_RINGS]
        tx.rings.extend((child.lane, child_id) for child, child_id in first)
        return job_id

    def get(self, job_id: str, tenant: str) -> Job:
        """A tenant's job. Raises NotFound("job_not_found"), for another tenant's too, or Gone("gone")."""
        with self.db.read() as connection:
            return queries.get(connection, job_id, tenant)

    def pieces(self, job: Job, after: int = -1) -> list[tuple[int, dict[str, Any]]]:
        """The (number, data) of sentences or segments that the job's present attempt has ready, in order."""
        with self.db.read() as connection:
            return queries.pieces_of(connection, job, after)

    def file_is_gone(self, key: str) -> bool:
        """Whether the file under a job's key was taken by retention, or erased with its job."""
        with self.db.read() as connection:
            return queries.file_is_gone(connection, key)

    def children(self, job_id: str) -> list[Job]:
        """All children, in order."""
        with self.db.read() as connection:
            return queries.children(connection, job_id)

    def page(self, tenant: str, **filters: Any) -> tuple[list[Job], str | None]:
        """A page of jobs, newest first (`parent=`: in order), and the cursor of the next; see queries.page."""
        with self.db.read() as connection:
            return queries.page(connection, tenant, **filters)

    def ahead(self, job: Job) -> queries.Ahead | None:
        """Where a waiting job stands in its line, and when it may be ready; None when it does not wait."""
        if job.state != "queued":
            return None
        with self.db.read() as connection:
            now = self.db.now(connection)
            return queries.ahead(connection, job, now, self._pace(connection, job.lane, now))

    def _pace(self, connection: Connection, lane: str, now: float) -> queries.Pace | None:
        """Looked up every other second at most: many who are accepted together ask for it."""
        known = self._paces.get(lane)
        if known and known[1] and now - known[0] < PACE_GOOD_FOR:
            return known[1]
        pace = queries.pace_of(connection, lane, now)
        self._paces[lane] = (now, pace)
        return pace

    def cancel(self, job_id: str, tenant: str) -> Job:
        """Stop a live job. Raises Conflict("too_late_to_cancel") once its result is being stored."""
        with self.writing() as tx:
            job = _mine(tx, job_id, tenant)
            if job.winner is not None and job.state not in FINAL:
                raise Conflict("too_late_to_cancel")
            if job.state not in FINAL:
                if queries.held(tx.connection, job_id):
                    change(tx, job_id, cancel_requested=True)
                else:
                    family.finish(tx, job, "cancelled", cancel_requested=True)
            return _there(tx, job_id)

    def retry(
        self, job_id: str, tenant: str, once: Once | None = None, account: Account | None = None
    ) -> Job:
        """A new job with the same request; of a batch, its items that did not succeed. The rest as in create.

        Raises Conflict("not_final"), Conflict("nothing_to_retry"), InvalidRequest("retry_the_parent"),
        Gone("input_expired") or LimitReached.
        """
        with self.writing() as tx:
            found = keys.find(tx, tenant, once) if once is not None else None
            if found is not None:
                return found
            job = _mine(tx, job_id, tenant)
            if job.state not in FINAL:
                raise Conflict("not_final", state=job.state)
            if job.kind in ("part", "check"):
                raise InvalidRequest("retry_the_parent", job=job.parent)
            items = queries.children(tx.connection, job_id) if job.kind == "batch" else []
            again = [_again(item) for item in items if item.state != "succeeded"]
            if job.kind == "batch" and not again:
                raise Conflict("nothing_to_retry")
            whole = _again(job)
            if again:
                weights = family.seconds_of(item.request for item in again)
                whole = replace(whole, request={"items": len(again)} | weights)
            made = self._insert(tx, whole, again, account)
            if once is not None:
                keys.claim(tx, tenant, once, made)
            return _there(tx, made)

    def erase(self, job_id: str, tenant: str) -> list[str]:
        """Remove a finished job and all below it; the input keys that nothing refers to any more."""
        with self.writing() as tx:
            job = _mine(tx, job_id, tenant)
            root = _there(tx, job.root)  # a join still needs its finished parts
            for one in (job, root):
                if one.state not in FINAL:
                    raise Conflict("not_final", state=one.state)
            return erasing.erase(tx, job_id)

    # What a worker does -----------------------------------------------------------------------------

    def claim(self, lane: str, holder: str, prefer_batch: bool = False) -> Job | None:
        """Take the row of `lane` whose turn it is; None when none is due."""
        with self.writing() as tx:
            return claims.claim(tx, lane, holder, self.rules, prefer_batch)

    def renew(self, job: Job) -> bool:
        """Keep the lease; True when the job is to be cancelled. Raises LeaseLost."""
        with self.writing() as tx:
            return claims.renew(tx, job, self.rules)

    def stands(self, job: Job) -> tuple[bool, bool]:
        """(whether this attempt still stands, whether its cancel was asked for); one cheap read."""
        with self.db.read() as connection:
            return queries.stands(connection, job)

    def report(self, job: Job, fraction: float, step: str, new: list[tuple[int, Any]]) -> None:
        """Store progress and ready pieces. Raises LeaseLost."""
        with self.writing() as tx:
            claims.report(tx, job, fraction, step, new)

    def split(self, job: Job, parts: list[NewJob]) -> None:
        """Hand the job's work to parts. Raises LeaseLost."""
        with self.writing() as tx:
            claims.split(tx, job, parts)

    def commit(
        self, job: Job, artifacts: list[Artifact], result: dict[str, Any],
        usage: dict[str, float] | None = None, warnings: list[Any] | None = None,
        new: list[tuple[int, Any]] | None = None,
    ) -> Job:  # fmt: skip
        """Name this attempt the winner, with its last pieces; final unless outputs were promised. Raises LeaseLost."""
        with self.writing() as tx:
            after = claims.commit(
                tx, job, artifacts, result, usage or {}, warnings or [], new or []
            )
            if job.kind == "check" and after.state == "succeeded":
                self_checks.tell(tx, job, warnings or [])
            return after

    def add_check(self, job: Job) -> None:
        """Have a finished speech job's sound heard again, where it can be."""
        with self.writing() as tx:
            self_checks.add(tx, job)

    def complete(self, job: Job) -> None:
        """The promised outputs are in place. Raises LeaseLost."""
        with self.writing() as tx:
            claims.complete(tx, job)

    def fail(self, job: Job, error: SpeechError) -> None:
        """End the job with an error. Raises LeaseLost."""
        with self.writing() as tx:
            claims.fail(tx, job, error)

    def cancelled(self, job: Job) -> None:
        """The attempt stopped as asked. Raises LeaseLost."""
        with self.writing() as tx:
            claims.cancelled(tx, job)

    def defer(self, job: Job, error: SpeechError) -> None:
        """Put the job back because of an outage. Raises LeaseLost."""
        with self.writing() as tx:
            claims.defer(tx, job, error, self.rules)

    def release(self, holder: str, reason: str) -> list[str]:
        """Free what a dead holder held; `reason` is crash, preempted or ours. The ids freed."""
        with self.writing() as tx:
            return claims.release(tx, holder, reason, self.rules)


def _mine(tx: Tx, job_id: str, tenant: str) -> Job:
    """A tenant's job, locked with its ancestors. Raises NotFound("job_not_found") or Gone("gone")."""
    queries.get(tx.connection, job_id, tenant)
    # Nothing is found by the lock when it was erased just now.
    return family.lock(tx, job_id) or queries.get(tx.connection, job_id, tenant)


def _there(tx: Tx, job_id: str) -> Job:
    job = load(tx, job_id)
    assert job is not None
    return job


def _again(job: Job) -> NewJob:
    index = job.kind == "batch"  # a batch's own file is the index, which a retry writes anew
    if (job.input or {}).get("expired"):
        raise Gone("input_expired", job=job.id)
    return NewJob(
        kind=job.kind, lane=job.lane, request=job.request, tenant=job.tenant, priority=job.priority,
        input=job.input, outputs=job.outputs, promised=job.promised, overwrite=job.overwrite or index,
        ttl=job.ttl, retry_of=job.id,
    )  # fmt: skip
