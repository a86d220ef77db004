"""How long what is kept, counted from the end of its job; and which jobs are due.

A job is due as a whole: with all below it. `jobs.purged` of the topmost row says how far retention has come.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from speech.jobs import Job
from speech.schema import jobs
from speech.settings import Settings

DAY = 86_400.0  # seconds
WHOLE, ROW, FILE = 0, 1, 2  # of jobs.purged; FILE: the row is kept because its promised file is

Place = tuple[float, str]  # (finished, id) of the last row that was looked at
BEGINNING: Place = (0.0, "")


@dataclass(frozen=True)
class Keep:
    """Seconds that things outlive the end of their job; infinity: for ever."""

    inputs: float
    artifacts: float
    rows: float
    tombstones: float
    speech: float  # from its last use

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keep":
        """As the settings say it in days, where 0 is for ever."""
        days = (
            settings.keep_inputs_days,
            settings.keep_artifacts_days,
            settings.keep_jobs_days,
            settings.keep_tombstones_days,
            settings.keep_speech_days,
        )
        return cls(*(one * DAY if one > 0 else math.inf for one in days))


def expires_at(job: Job, keep: Keep) -> float | None:
    """When a finished job's id may go, seconds since 1970; None: not as long as its promised file is there."""
    if job.finished is None or math.isinf(keep.rows) or lasting(job.state, job.tenant, job.outputs):
        return None
    return job.finished + keep.rows


def lasting(state: str, tenant: str, outputs: Iterable[str]) -> list[str]:
    """The files of a job that stay until somebody removes them; its row stays as long."""
    if state != "succeeded":
        return []
    places = ("wav_files/", f"t/{tenant}/wav_files/")
    return [key for key in outputs if key.startswith(places)]


def ended(
    connection: Connection, *, purged: int, cutoff: float, after: Place, limit: int
) -> list[Row]:
    """Topmost rows at this stage that ended before `cutoff`, oldest first."""
    rows = (
        select(jobs.c.id, jobs.c.state, jobs.c.tenant, jobs.c.outputs, jobs.c.finished)
        .where(jobs.c.purged == purged, jobs.c.parent.is_(None))
        .where(*_between(after, cutoff))
        .order_by(jobs.c.finished, jobs.c.id)
        .limit(limit)
    )
    return list(connection.execute(rows))


def with_old_inputs(
    connection: Connection, *, cutoff: float, after: Place, limit: int
) -> list[Row]:
    """Rows that ended before `cutoff` and still name an object in storage as their input, oldest first."""
    rows = (
        select(jobs.c.id, jobs.c.tenant, jobs.c.input_key, jobs.c.finished)
        .where(jobs.c.input_key.is_not(None), *_between(after, cutoff))
        .order_by(jobs.c.finished, jobs.c.id)
        .limit(limit)
    )
    return list(connection.execute(rows))


def to_look_at(connection: Connection, now: float, limit: int) -> list[Row]:
    """Rows that are kept for their file, and whose file is to be looked for again."""
    rows = (
        select(jobs.c.id, jobs.c.state, jobs.c.tenant, jobs.c.outputs)
        .where(jobs.c.expires < now)
        .order_by(jobs.c.expires)
        .limit(limit)
    )
    return list(connection.execute(rows))


def _between(after: Place, cutoff: float) -> list[ColumnElement[bool]]:
    # The first is what an index is walked by, the last sets rows of one moment apart.
    begin = jobs.c.finished >= after[0]
    return [
        jobs.c.finished < cutoff,
        begin,
        tuple_(jobs.c.finished, jobs.c.id) > tuple_(after[0], after[1]),
    ]
