"""Whose turn it is: tenants in turn, then root jobs in turn, then the oldest row.

A root that has rows to claim has a row in `turns`; `turn_at` is when it was served last (or entered), so the
smallest is next: first come first served among roots with one row, round robin among those with many. A root
whose rows all wait for a later time has its turn moved there, so a claim never walks over them twice.

Locks. Whoever makes rows claimable locks job rows first, and its turns in one sorted sweep just before the
commit. A claim holds its lane (one claim at a time, so that turns are exact), takes a job row with SKIP LOCKED,
waits for that one turn at most, and drops stale turns with SKIP LOCKED: nothing waits in a circle.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, Table, bindparam, delete, exists, func, select, text, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from speech.database import Tx
from speech.jobs import LANES
from speech.schema import jobs, tenants, turns

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_FIRST_LOOK, _NEXT_LOOK = 5, 500  # roots in one query; the first one nearly always has a row
_MOST_STALE = 50  # turns one claim tidies away
_LANES: list[str] = list(LANES)
_CLAIMS = 7202  # the advisory lock of claims; its second number is the lane's


def upsert(tx: Tx, table: Table) -> Any:
    """An INSERT of this dialect that can say ON CONFLICT."""
    return _INSERT[tx.connection.dialect.name](table)


def enter(
    tx: Tx, lane: str, priority: str, tenant: str, root: str, at: float | None = None
) -> None:
    """Give a root a turn, no later than `at` (now), when this transaction ends."""
    key = (lane, priority, tenant, root)
    if not tx.turns:
        tx.at_end.append(_enter_all)
    tx.turns[key] = min(tx.now if at is None else at, tx.turns.get(key, float("inf")))


def _enter_all(tx: Tx) -> None:
    """Turns after all job rows and in one order, so that no two transactions wait for each other."""
    insert = upsert(tx, turns)
    sooner = func.min if tx.connection.dialect.name == "sqlite" else func.least
    insert = insert.on_conflict_do_update(
        index_elements=["lane", "priority", "tenant", "root"],
        set_={"turn_at": sooner(turns.c.turn_at, insert.excluded.turn_at)},
    )
    for (lane, priority, tenant, root), at in sorted(tx.turns.items()):
        which = {"lane": lane, "priority": priority, "tenant": tenant, "root": root, "turn_at": at}
        tx.connection.execute(insert, which)
    new = upsert(tx, tenants).on_conflict_do_nothing()
    for lane, priority, tenant in sorted({key[:3] for key in tx.turns}):
        who = {"lane": lane, "priority": priority, "tenant": tenant, "turn_at": tx.now}
        tx.connection.execute(new, who)


def _same(table: Table, *names: str) -> list[ColumnElement[bool]]:
    return [table.c[name] == bindparam(f"_{name}") for name in names]


_WHO = ("lane", "priority", "tenant")
# A minimum, not an EXISTS: PostgreSQL makes a join of that and walks all turns while it has no statistics.
_first_turn = (
    select(func.min(turns.c.turn_at))
    .where(
        turns.c.lane == tenants.c.lane,
        turns.c.priority == tenants.c.priority,
        turns.c.tenant == tenants.c.tenant,
    )
    .scalar_subquery()
)
_WAITING_TENANTS = (
    select(tenants.c.tenant)
    .where(*_same(tenants, "lane", "priority"), _first_turn <= bindparam("_now"))
    .order_by(tenants.c.turn_at, tenants.c.tenant)
)
# As an expression it cannot draw the planner to the index jobs_due, and so to a walk over all rows.
_is_due = jobs.c.not_before + 0.0 <= bindparam("_now")
_has_row = (
    select(jobs.c.id)
    .where(
        jobs.c.claimable,
        jobs.c.lane == turns.c.lane,
        jobs.c.priority == turns.c.priority,
        jobs.c.tenant == turns.c.tenant,
        jobs.c.root == turns.c.root,
        _is_due,
    )
    .exists()
)
_NEXT_ROOTS = (
    select(turns.c.turn_at, turns.c.root, _has_row.label("due"))
    .where(
        *_same(turns, *_WHO),
        turns.c.turn_at <= bindparam("_now"),
        turns.c.turn_at >= bindparam("_from"),
        tuple_(turns.c.turn_at, turns.c.root) > tuple_(bindparam("_from"), bindparam("_after")),
    )
    .order_by(turns.c.turn_at, turns.c.root)
    .limit(bindparam("_look"))
)
_rows = (jobs.c.claimable, *_same(jobs, *_WHO, "root"))
_OLDEST = (
    select(jobs)
    .where(*_rows, _is_due)
    .order_by(jobs.c.created, jobs.c.part, jobs.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_ANOTHER = select(jobs.c.id).where(*_rows, jobs.c.id != bindparam("_taken")).limit(1)
_SOONEST = select(func.min(jobs.c.not_before)).where(*_rows)
# With all columns of both indexes, so that either finds the one row at once.
_here = _same(turns, *_WHO, "root", "turn_at")
_LOCK = select(turns.c.root).where(*_here).with_for_update()
_LOCK_IF_FREE = select(turns.c.root).where(*_here).with_for_update(skip_locked=True)
_LOOK = select(turns.c.turn_at).where(*_same(turns, *_WHO, "root")).with_for_update()
_DROP = delete(turns).where(*_here)
_MOVE = turns.update().where(*_here).values(turn_at=bindparam("_at"))
_SERVED = tenants.update().where(*_same(tenants, *_WHO)).values(turn_at=bindparam("_now"))


def next_row(tx: Tx, lane: str, priorities: tuple[str, ...]) -> Row | None:
    """The due row of `lane` whose turn it is, locked, the first priority first; None when there is none."""
    _alone(tx, lane)
    stale: list[dict[str, Any]] = []
    row = None
    for priority in priorities:
        row = row or _next_of(tx, {"_lane": lane, "_priority": priority, "_now": tx.now}, stale)
    for which in stale[:_MOST_STALE]:
        if tx.connection.execute(_LOCK_IF_FREE, which).one_or_none():
            _tidy(tx, which)
    return row


def _alone(tx: Tx, lane: str) -> None:
    """One claim of a lane at a time; then `now` is later than every turn served before."""
    if tx.connection.dialect.name == "postgresql":
        key = {"claims": _CLAIMS, "lane": _LANES.index(lane)}
        tx.connection.execute(text("SELECT pg_advisory_xact_lock(:claims, :lane)"), key)
        now = text("SELECT extract(epoch FROM clock_timestamp())::float8")
        tx.now = float(tx.connection.execute(now).scalar_one())


def _next_of(tx: Tx, who: dict[str, Any], stale: list[dict[str, Any]]) -> Row | None:
    for tenant in tx.connection.execute(_WAITING_TENANTS, who).scalars().all():
        for turn in _roots(tx, {**who, "_tenant": tenant}):
            which = {**who, "_tenant": tenant, "_root": turn.root, "_turn_at": turn.turn_at}
            row = tx.connection.execute(_OLDEST, which).one_or_none() if turn.due else None
            if row is not None:
                _served(tx, {**which, "_taken": row.id})
                return row
            stale.append({**which, "_taken": ""})
    return None


def _roots(tx: Tx, who: dict[str, Any]) -> Iterator[Row]:
    """The tenant's roots in turn (root, turn_at), and whether each has a row that is `due`."""
    start: dict[str, Any] = {"_from": 0.0, "_after": "", "_look": _FIRST_LOOK}
    while roots := tx.connection.execute(_NEXT_ROOTS, {**who, **start}).all():
        yield from roots
        start = {"_from": roots[-1].turn_at, "_after": roots[-1].root, "_look": _NEXT_LOOK}


def _served(tx: Tx, which: dict[str, Any]) -> None:
    """Put the root and its tenant behind the others; a root whose last row was taken has no turn any more.

    The turn is locked before its rows are counted, here and in `_tidy`: rows that are being made claimable
    meanwhile find no turn afterwards and make a new one.
    """
    if tx.connection.execute(_LOCK, which).one_or_none() is None:  # entered anew just now
        which = {**which, "_turn_at": tx.connection.execute(_LOOK, which).scalar()}
    if tx.connection.execute(_ANOTHER, which).one_or_none() is None:
        tx.connection.execute(_DROP, which)
    else:
        tx.connection.execute(_MOVE, {**which, "_at": tx.now})
    tx.connection.execute(_SERVED, which)


def _tidy(tx: Tx, which: dict[str, Any]) -> None:
    """Drop a locked turn without rows, or move it to when its next row is due."""
    soonest = tx.connection.execute(_SOONEST, which).scalar()
    if soonest is None:
        tx.connection.execute(_DROP, which)
    elif soonest > tx.now:  # else someone holds the row just now
        tx.connection.execute(_MOVE, {**which, "_at": soonest})


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
