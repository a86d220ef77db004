"""Reads of the job store."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, tuple_

from speech.errors import Gone, InvalidRequest, NotFound
from speech.jobs import Job, rfc3339
from speech.rows import to_job
from speech.schema import jobs, pieces, tombstones, workers

WORKER_SILENT = 30.0  # seconds after which a worker no longer counts as alive
_JOB_KEY = re.compile(r"t/([^/]+)/jobs/([^/]+)/")
_LONGEST_CURSOR = 200  # characters
_COUNT_UP_TO = 1_000  # a position beyond this is not worth counting


@dataclass(frozen=True)
class Ahead:
    """Where a waiting job stands: `position` from 1, approximate; the times are seconds since 1970."""

    position: int
    ready_from: float | None
    ready_to: float | None


def get(connection: Connection, job_id: str, tenant: str) -> Job:
    """A tenant's job. Raises NotFound("job_not_found"), or Gone("gone") where there was one of this tenant's."""
    if not _ours(job_id):
        raise NotFound("job_not_found", job=job_id)
    mine = select(jobs).where(jobs.c.id == job_id, jobs.c.tenant == tenant)
    row = connection.execute(mine).one_or_none()
    if row is None:
        raise _missing(connection, job_id, tenant)
    return to_job(row)


def _missing(connection: Connection, job_id: str, tenant: str) -> NotFound:
    grave = select(tombstones.c.gone).where(
        tombstones.c.id == job_id, tombstones.c.tenant == tenant
    )
    gone = connection.execute(grave).scalar()
    if gone is None:
        return NotFound("job_not_found", job=job_id)
    return Gone("gone", job=job_id, gone=rfc3339(gone))


def file_is_gone(connection: Connection, key: str) -> bool:
    """True when the job under whose key a file was stored is gone, or keeps no files any more."""
    match = _JOB_KEY.match(key)
    try:
        return match is not None and get(connection, match[2], match[1]).files_expired
    except NotFound as error:
        return isinstance(error, Gone)


def _ours(job_id: str) -> bool:
    """True when it can be an id of ours; PostgreSQL refuses some strings (a NUL) instead of finding nothing."""
    return len(job_id) <= 36 and job_id.isprintable()


def children(connection: Connection, job_id: str) -> list[Job]:
    """All children, in order."""
    rows = connection.execute(select(jobs).where(jobs.c.parent == job_id).order_by(jobs.c.part))
    return [to_job(row) for row in rows]


def pieces_of(connection: Connection, job: Job, after: int) -> list[tuple[int, dict[str, Any]]]:
    """Ready sentences or segments of the attempt that won, or of the present one, numbered above `after`."""
    attempt = job.attempt if job.winner is None else job.winner
    rows = connection.execute(
        select(pieces.c.n, pieces.c.data)
        .where(pieces.c.job == job.id, pieces.c.attempt == attempt, pieces.c.n > after)
        .order_by(pieces.c.n)
    )
    return [(row.n, row.data) for row in rows]


def page(
    connection: Connection, tenant: str, *, limit: int = 20, after: str | None = None,
    parent: str | None = None, states: Iterable[str] = (), kinds: Iterable[str] = (),
) -> tuple[list[Job], str | None]:  # fmt: skip
    """A page of jobs and the cursor of the next one, or None at the end.

    Without `parent`: roots and batch items, newest first; parts, checks and previews are left out.
    With it: that job's children in order. Raises InvalidRequest("bad_cursor").
    """
    if parent is not None and not _ours(parent):
        return [], None
    query = select(jobs).where(jobs.c.tenant == tenant)
    if states:
        query = query.where(jobs.c.state.in_(list(states)))
    if kinds:
        query = query.where(jobs.c.kind.in_(list(kinds)))
    if parent is not None:
        last = _cursor(after, int) if after else -1
        query = query.where(jobs.c.parent == parent, jobs.c.part > last)
        query = query.order_by(jobs.c.part)
    else:
        query = query.where(jobs.c.kind.not_in(["part", "check", "preview"]))
        if after:
            moment, job_id = _cursor(after, list)
            query = query.where(tuple_(jobs.c.created, jobs.c.id) < tuple_(moment, job_id))
        query = query.order_by(jobs.c.created.desc(), jobs.c.id.desc())
    found = [to_job(row) for row in connection.execute(query.limit(limit + 1))]
    more = len(found) > limit
    found = found[:limit]
    return found, _encode(found[-1], parent) if more else None


def _encode(job: Job, parent: str | None) -> str:
    place: Any = job.part if parent is not None else [job.created, job.id]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _cursor(text: str, kind: type) -> Any:
    try:
        if len(text) > _LONGEST_CURSOR:
            raise ValueError(text)
        place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if kind is int:
            fits = type(place) is int and 0 <= place < 2**31
        else:
            fits = [type(one) for one in place] == [float, str] and _ours(place[1])
    except (ValueError, TypeError):
        fits = False
    if not fits:
        raise InvalidRequest("bad_cursor", param="after")
    return place


def held(connection: Connection, job_id: str) -> bool:
    """True while an attempt works on the job."""
    row = connection.execute(select(jobs.c.holder).where(jobs.c.id == job_id)).one()
    return row.holder is not None


def stands(connection: Connection, job: Job) -> tuple[bool, bool]:
    """(whether the attempt still stands, whether a cancel was asked for)."""
    row = connection.execute(
        select(jobs.c.attempt, jobs.c.state, jobs.c.holder, jobs.c.cancel_requested).where(
            jobs.c.id == job.id
        )
    ).one_or_none()
    if row is None:
        return False, False
    return (
        row.attempt == job.attempt and row.state == "running" and row.holder is not None,
        row.cancel_requested,
    )


@dataclass(frozen=True)
class Pace:
    """How fast a lane goes: seconds of a quick and of a slow job lately, and the workers alive."""

    quick: float
    slow: float
    alive: int


def ahead(connection: Connection, job: Job, now: float, pace: Pace | None) -> Ahead | None:
    """The waiting job's place among the rows of its lane that come first, and an estimate from the pace."""
    if job.state != "queued":
        return None
    before = select(jobs.c.id).where(jobs.c.claimable, jobs.c.lane == job.lane, jobs.c.id != job.id)
    older = jobs.c.created <= job.created
    if job.priority == "interactive":
        before = before.where(jobs.c.priority == "interactive", older)
    else:
        before = before.where((jobs.c.priority == "interactive") | older)
    turn = (
        1
        + connection.execute(
            select(func.count()).select_from(before.limit(_COUNT_UP_TO).subquery())
        ).scalar_one()
    )
    if pace is None:
        return Ahead(turn, None, None)
    rounds = turn / pace.alive
    return Ahead(turn, now + pace.quick * rounds, now + pace.slow * (rounds + 1))


def pace_of(connection: Connection, lane: str, now: float) -> Pace | None:
    """From the quartiles of the last 20 jobs of the lane; None without any, or without a worker."""
    recent = connection.execute(
        select(jobs.c.finished - jobs.c.started)
        .where(jobs.c.lane == lane, jobs.c.state == "succeeded")
        .where(jobs.c.kind.not_in(["batch", "preview"]))
        .where(jobs.c.finished.is_not(None), jobs.c.started.is_not(None))
        .order_by(jobs.c.finished.desc())
        .limit(20)
    ).scalars()
    spans = sorted(recent.all())
    alive = sum(lane in worker["lanes"] for worker in live_workers(connection, now))
    if not spans or not alive:
        return None
    return Pace(spans[len(spans) // 4], spans[(3 * len(spans)) // 4], alive)


def live_workers(connection: Connection, now: float) -> list[dict[str, Any]]:
    """Workers that reported within the last half minute."""
    rows = connection.execute(select(workers).where(workers.c.seen > now - WORKER_SILENT))
    return [dict(row._mapping) for row in rows]
