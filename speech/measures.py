"""What the store can say of the whole deployment at one moment: work, workers, and what has been counted."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from speech import counting
from speech.jobs import LANES
from speech.queries import live_workers
from speech.schema import jobs, trash

PRIORITIES = ("interactive", "batch")
MINUTE = 60.0  # seconds


@dataclass(frozen=True)
class Measures:
    """Counts and seconds; whatever is by lane has all lanes."""

    open: dict[tuple[str, str, str], int]  # by lane, state and priority
    oldest: dict[str, float]  # seconds that the longest waiting queued job of a lane has waited
    due: dict[str, int]  # rows that a worker of the lane could take now
    finished: dict[tuple[str, str], int]  # in the last minute, by lane and state
    workers: list[dict[str, Any]]
    stuck: int  # objects that the purge could not remove
    counters: dict[str, float] = field(default_factory=dict)

    def live(self, lane: str) -> int:
        """Workers that serve a lane, ready or not."""
        return sum(lane in worker["lanes"] for worker in self.workers)

    def ready(self, lane: str) -> int:
        """Workers that have the lane's models loaded."""
        return sum(bool(worker["details"].get(lane, {}).get("ready")) for worker in self.workers)


def measure(connection: Connection, now: float) -> Measures:
    """Every measure, each by an index: docs/metrics.md."""
    return Measures(
        open=_open(connection),
        oldest={lane: _oldest(connection, lane, now) for lane in LANES},
        due={lane: _due(connection, lane, now) for lane in LANES},
        finished=_finished(connection, now),
        workers=live_workers(connection, now),
        stuck=connection.execute(select(func.count()).where(trash.c.tries > 0)).scalar_one(),
        counters=counting.read(connection),
    )


def _open(connection: Connection) -> dict[tuple[str, str, str], int]:
    found: Counter[tuple[str, str, str]] = Counter()
    by = (jobs.c.lane, jobs.c.state, jobs.c.priority)
    rows = connection.execute(
        select(*by, func.count().label("n")).where(jobs.c.finished.is_(None)).group_by(*by)
    )
    for row in rows:
        found[row.lane, row.state, row.priority] = row.n
    every = [(lane, s, p) for lane in LANES for s in ("queued", "running") for p in PRIORITIES]
    return {which: found[which] for which in every}


def _oldest(connection: Connection, lane: str, now: float) -> float:
    first = [
        connection.execute(
            select(func.min(jobs.c.created)).where(
                jobs.c.finished.is_(None), jobs.c.lane == lane, jobs.c.state == "queued",
                jobs.c.priority == priority,
            )
        ).scalar()
        for priority in PRIORITIES
    ]  # fmt: skip
    return max((now - created for created in first if created is not None), default=0.0)


def _due(connection: Connection, lane: str, now: float) -> int:
    due = select(func.count()).where(
        jobs.c.claimable, jobs.c.lane == lane, jobs.c.not_before <= now
    )
    return int(connection.execute(due).scalar_one())


def _finished(connection: Connection, now: float) -> dict[tuple[str, str], int]:
    states = ("succeeded", "failed", "cancelled")
    made: dict[tuple[str, str], int] = {(lane, state): 0 for lane in LANES for state in states}
    for lane in LANES:
        rows = connection.execute(
            select(jobs.c.state, func.count().label("n"))
            .where(jobs.c.lane == lane, jobs.c.finished > now - MINUTE)
            .group_by(jobs.c.state)
        )
        made |= {(lane, row.state): row.n for row in rows}
    return made
