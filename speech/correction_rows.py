"""Corrections in the store: proposed, listed, accepted or rejected, each in a transaction of the caller's."""

import uuid
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, tuple_, update

from speech.corrections import Correction, State
from speech.database import Tx
from speech.errors import Conflict, NotFound
from speech.schema import corrections, jobs

_COLUMNS = [corrections.c[f.name] for f in fields(Correction)]


def propose(tx: Tx, tenant: str, **values: Any) -> Correction:
    """Write down a proposal; `values` are the fields of a Correction that are known beforehand."""
    made = {"id": str(uuid.uuid4()), "state": "proposed", "created": tx.now} | values
    tx.connection.execute(insert(corrections).values(tenant=tenant, **made))
    return one(tx.connection, values["job"], str(made["id"]))


def one(connection: Connection, job: str, correction: str) -> Correction:
    """A correction of a job. Raises NotFound("correction_not_found")."""
    wanted = select(*_COLUMNS).where(corrections.c.job == job, corrections.c.id == correction)
    row = connection.execute(wanted).one_or_none()
    if row is None:
        raise NotFound("correction_not_found", correction=correction)
    return _read(row)


def page(
    connection: Connection, job: str, state: State | None, after: str | None, limit: int
) -> list[Correction]:
    """Corrections of a job in the order they came in, from behind `after` (an id) on. Raises NotFound."""
    wanted = select(*_COLUMNS).where(corrections.c.job == job)
    if state is not None:
        wanted = wanted.where(corrections.c.state == state)
    if after is not None:
        last = one(connection, job, after)
        place = tuple_(corrections.c.created, corrections.c.id)
        wanted = wanted.where(place > tuple_(last.created, last.id))
    wanted = wanted.order_by(corrections.c.created, corrections.c.id).limit(limit)
    return [_read(row) for row in connection.execute(wanted)]


def accepted(connection: Connection, job: str) -> list[Correction]:
    """The accepted corrections of a job, by version: the nth made version n."""
    wanted = select(*_COLUMNS).where(corrections.c.job == job, corrections.c.version.is_not(None))
    rows = connection.execute(wanted.order_by(corrections.c.version))
    return [_read(row) for row in rows]


def latest(connection: Connection, job: str) -> int:
    """The newest version of a job's transcript: 0 as heard, then one more with each accepted correction."""
    newest = select(func.max(corrections.c.version)).where(corrections.c.job == job)
    return connection.execute(newest).scalar() or 0


def decide(tx: Tx, job: str, correction: str, state: State, who: str) -> Correction:
    """Accept or reject a proposal; to say the same twice changes nothing.

    Raises NotFound, Conflict("correction_decided"), and Conflict("correction_outdated") when words that it stands
    for were corrected after it was written: whoever decides must see how they read now.
    """
    # One at a time for each transcript, on PostgreSQL too.
    tx.connection.execute(select(jobs.c.id).where(jobs.c.id == job).with_for_update())
    found = one(tx.connection, job, correction)
    if found.state == state:
        return found
    if found.state != "proposed":
        raise Conflict("correction_decided", state=found.state, version=latest(tx.connection, job))
    version = None
    if state == "accepted":
        refuse_outdated(tx.connection, found.job, found.first, found.last, found.base)
        version = latest(tx.connection, job) + 1
    changed = update(corrections).where(corrections.c.id == correction)
    tx.connection.execute(
        changed.values(state=state, version=version, decided_by=who, decided=tx.now)
    )
    return one(tx.connection, job, correction)


def refuse_outdated(connection: Connection, job: str, first: int, last: int, base: int) -> None:
    """Raises Conflict("correction_outdated") when any of the words was corrected after version `base`."""
    later = select(corrections.c.id).where(
        corrections.c.job == job,
        corrections.c.version > base,
        corrections.c.first <= last,
        corrections.c.last >= first,
    )
    if connection.execute(later.limit(1)).first():
        raise Conflict("correction_outdated", version=latest(connection, job))


def _read(row: Row[Any]) -> Correction:
    return Correction(**row._mapping)
