"""Requests that are to be done once: Idempotency-Key, and the uuid of /api/texts.

After https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/: same key and body, same job;
same key and another body is an error.
"""

from dataclasses import dataclass

from sqlalchemy import delete, select

from speech.database import Tx
from speech.errors import Conflict
from speech.jobs import Job
from speech.rows import load
from speech.schema import idempotency
from speech.turns import upsert


@dataclass(frozen=True)
class Once:
    """What makes a request the same as an earlier one."""

    key: str  # at most 300 characters, unique within the tenant
    body: str  # SHA-256 of what was asked, hex
    ttl: float | None  # seconds it is remembered; None: for ever
    again_after_failure: bool = False  # a failed or cancelled job is replaced by a new one
    conflict: str = "idempotency_mismatch"  # the error code for another body


def find(tx: Tx, tenant: str, once: Once) -> Job | None:
    """The job made under this key, or None with the key held until this transaction ends.

    Of many at the same moment one inserts; the others wait here for its commit and find its job.
    """
    here = (idempotency.c.tenant == tenant, idempotency.c.key == once.key)
    until = None if once.ttl is None else tx.now + once.ttl
    tx.connection.execute(
        delete(idempotency).where(
            *here, idempotency.c.until.is_not(None), idempotency.c.until < tx.now
        )
    )
    made = tx.connection.execute(
        upsert(tx, idempotency)
        .values(tenant=tenant, key=once.key, body=once.body, job="", until=until)
        .on_conflict_do_nothing()
        .returning(idempotency.c.key)  # rowcount is -1 here on PostgreSQL
    ).one_or_none()
    if made is not None:
        return None
    row = tx.connection.execute(select(idempotency).where(*here).with_for_update()).one()
    if row.body != once.body:
        raise Conflict(once.conflict)
    job = load(tx, row.job)
    if job is None or (once.again_after_failure and job.state in {"failed", "cancelled"}):
        return None
    return job


def claim(tx: Tx, tenant: str, once: Once, job_id: str) -> None:
    """Write down which job the held key has made."""
    tx.connection.execute(
        idempotency.update()
        .where(idempotency.c.tenant == tenant, idempotency.c.key == once.key)
        .values(job=job_id, body=once.body)
    )


def prune(tx: Tx) -> None:
    """Forget keys whose time is over."""
    tx.connection.execute(delete(idempotency).where(idempotency.c.until < tx.now))
