"""Whose turn it is: tenants in turn, then root jobs in turn, then the oldest row.

A root that has rows to claim has a row in `turns`; `turn_at` is when it was served last (or entered), so the
smallest is next: first come first served among roots with one row, round robin among those with many. A root
whose rows all wait for a later time has its turn moved there, so a claim never walks over them twice.

Locks are taken in one order (job row, then turn, then tenant); a claim that holds a turn asks for job rows with
SKIP LOCKED, so nothing waits in a circle.
"""

from typing import Any

from sqlalchemy import Row, Table, bindparam, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from speech.database import Tx
from speech.schema import jobs, tenants, turns

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def upsert(tx: Tx, table: Table) -> Any:
    """An INSERT of this dialect that can say ON CONFLICT."""
    return _INSERT[tx.connection.dialect.name](table)


def enter(
    tx: Tx, lane: str, priority: str, tenant: str, root: str, at: float | None = None
) -> None:
    """Give a root a turn, no later than `at` (now)."""
    key = {"lane": lane, "priority": priority, "tenant": tenant}
    moment = tx.now if at is None else at
    insert = upsert(tx, turns).values(**key, root=root, turn_at=moment)
    sooner = func.min if tx.connection.dialect.name == "sqlite" else func.least
    tx.connection.execute(
        insert.on_conflict_do_update(
            index_elements=["lane", "priority", "tenant", "root"],
            set_={"turn_at": sooner(turns.c.turn_at, insert.excluded.turn_at)},
        )
    )
    tx.connection.execute(
        upsert(tx, tenants).values(**key, turn_at=tx.now).on_conflict_do_nothing()
    )


_due_turn = (
    turns.c.lane == tenants.c.lane,
    turns.c.priority == tenants.c.priority,
    turns.c.tenant == tenants.c.tenant,
    turns.c.turn_at <= bindparam("now"),
)
_WAITING_TENANTS = (
    select(tenants.c.tenant)
    .where(
        tenants.c.lane == bindparam("lane"),
        tenants.c.priority == bindparam("priority"),
        exists().where(*_due_turn),
    )
    .order_by(tenants.c.turn_at, tenants.c.tenant)
)
_mine = (
    turns.c.lane == bindparam("lane"),
    turns.c.priority == bindparam("priority"),
    turns.c.tenant == bindparam("tenant"),
)
_NEXT_ROOT = (
    select(turns.c.root)
    .where(*_mine, turns.c.turn_at <= bindparam("now"))
    .order_by(turns.c.turn_at, turns.c.root)
    .limit(1)
    .with_for_update()
)
_rows = (
    jobs.c.claimable,
    jobs.c.lane == bindparam("lane"),
    jobs.c.priority == bindparam("priority"),
    jobs.c.tenant == bindparam("tenant"),
    jobs.c.root == bindparam("root"),
)
_OLDEST = (
    select(jobs)
    .where(*_rows, jobs.c.not_before <= bindparam("now"))
    .order_by(jobs.c.created, jobs.c.part, jobs.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_SOONEST = select(func.min(jobs.c.not_before)).where(*_rows)


def next_row(tx: Tx, lane: str, priority: str) -> Row | None:
    """The row whose turn it is, locked; None when no row of this lane and priority is due."""
    who = {"lane": lane, "priority": priority, "now": tx.now}
    for tenant in tx.connection.execute(_WAITING_TENANTS, who).scalars().all():
        row = _next_of(tx, {**who, "tenant": tenant})
        if row is not None:
            return row
    return None


def _next_of(tx: Tx, who: dict[str, object]) -> Row | None:
    while root := tx.connection.execute(_NEXT_ROOT, who).scalar():
        which = {**who, "root": root}
        row = tx.connection.execute(_OLDEST, which).one_or_none()
        if row is not None:
            _served(tx, which)
            return row
        _put_off(tx, which)
    return None


def _served(tx: Tx, which: dict[str, object]) -> None:
    key = [
        column == which[column.name] for column in (turns.c.lane, turns.c.priority, turns.c.tenant)
    ]
    tx.connection.execute(
        turns.update().where(*key, turns.c.root == which["root"]).values(turn_at=tx.now)
    )
    tx.connection.execute(
        tenants.update()
        .where(
            tenants.c.lane == which["lane"],
            tenants.c.priority == which["priority"],
            tenants.c.tenant == which["tenant"],
        )
        .values(turn_at=tx.now)
    )


def _put_off(tx: Tx, which: dict[str, object]) -> None:
    """No row of this root is due: drop its turn, or move it to when one will be.

    The turn's row is locked, and an enqueue locks it too (ON CONFLICT DO UPDATE), so a row that is being
    inserted meanwhile finds no turn afterwards and makes a new one.
    """
    soonest = tx.connection.execute(_SOONEST, which).scalar()
    here = [
        turns.c.lane == which["lane"],
        turns.c.priority == which["priority"],
        turns.c.tenant == which["tenant"],
        turns.c.root == which["root"],
    ]
    if soonest is None:
        tx.connection.execute(delete(turns).where(*here))
    else:
        later = max(soonest, tx.now + 0.05)  # a locked row is being decided elsewhere right now
        tx.connection.execute(turns.update().where(*here).values(turn_at=later))


def heal(tx: Tx) -> int:
    """Give a turn to every claimable root that lacks one; the count. Nothing should ever need it."""
    lost = tx.connection.execute(
        select(jobs.c.lane, jobs.c.priority, jobs.c.tenant, jobs.c.root)
        .where(
            jobs.c.claimable,
            ~exists().where(
                turns.c.lane == jobs.c.lane,
                turns.c.priority == jobs.c.priority,
                turns.c.tenant == jobs.c.tenant,
                turns.c.root == jobs.c.root,
            ),
        )
        .distinct()
    ).all()
    for row in lost:
        enter(tx, row.lane, row.priority, row.tenant, row.root)
    return len(lost)
