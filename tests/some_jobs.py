"""Jobs for tests of the store, and what must hold of its rows at every moment."""

from typing import Any

from sqlalchemy import func, insert, select

from speech.database import Database
from speech.jobs import Artifact, Job, NewJob
from speech.schema import jobs, turns
from speech.schema import tenants as tenant_rows
from speech.store import JobStore

WORKER = "host/boot/speech-1"
SOUND = Artifact("speech.wav", "jobs/x/speech.wav", "audio/wav", 4, "ab" * 32)


def speech(tenant: str = "default", **values: Any) -> NewJob:
    """A speech job."""
    return NewJob("speech", "speech", {"input": "안녕하세요"}, tenant=tenant, **values)


def recording(**values: Any) -> NewJob:
    """A transcription."""
    return NewJob("transcription", "transcription", {"language": "ko"}, **values)


def parts(count: int, lane: Any = "speech") -> list[NewJob]:
    """Parts of a job."""
    return [NewJob("part", lane, {"n": n}) for n in range(count)]


def batch(count: int, tenant: str = "default") -> tuple[NewJob, list[NewJob]]:
    """A batch of recordings and its items, for JobStore.create."""
    top = NewJob("batch", "transcription", {"urls": count}, tenant=tenant, priority="batch")
    return top, [recording(priority="batch") for _ in range(count)]


def made(store: JobStore, new: NewJob, children: list[NewJob] | None = None) -> Job:
    """A job, just accepted."""
    job, is_new = store.create(new, children)
    assert is_new
    return job


def claimed(store: JobStore, lane: str = "speech", holder: str = WORKER) -> Job:
    """The next job of a lane; fails when there is none."""
    job = store.claim(lane, holder)
    assert job is not None, f"no row of {lane} is due"
    return job


def again(store: JobStore, job: Job) -> Job:
    """The job as it stands now."""
    return store.get(job.id, job.tenant)


def many_rows(db: Database, count: int, tenants: int, lane: str = "speech", start: int = 0) -> None:
    """Queued single jobs of many tenants, in bulk, with their turns; numbered from `start`."""
    with db.write() as tx:
        row = _row(tx.now)
        end = start + count
        for first in range(start, end, 1000):
            some = [_numbered(row, n, tenants, lane) for n in range(first, min(first + 1000, end))]
            tx.connection.execute(insert(jobs), some)
            tx.connection.execute(insert(turns), [_turn(one) for one in some])
        who = [
            {"lane": lane, "priority": "interactive", "tenant": _tenant(n), "turn_at": 0.0}
            for n in range(tenants)
        ]
        tx.connection.execute(insert(tenant_rows), who)


def _turn(row: dict[str, Any]) -> dict[str, Any]:
    same = {name: row[name] for name in ("lane", "priority", "tenant", "root")}
    return {**same, "turn_at": row["created"]}


def _tenant(n: int) -> str:
    return f"tenant-{n:04d}"


def _row(now: float) -> dict[str, Any]:
    return {
        "kind": "speech", "state": "queued", "priority": "interactive", "phase": "work",
        "claimable": True, "request": {"input": "안녕하세요. " * 20}, "input": None, "outputs": [],
        "promised": [], "overwrite": False, "warnings": [], "artifacts": [], "usage": {},
        "fraction": 0.0, "step": "queued", "cancel_requested": False, "not_before": now - 1000.0,
    }  # fmt: skip


def _numbered(row: dict[str, Any], n: int, tenants: int, lane: str) -> dict[str, Any]:
    job_id = f"00000000-0000-4000-8000-{n:012d}"
    created = row["not_before"] + n / 1000
    return {
        **row, "id": job_id, "root": job_id, "lane": lane, "tenant": _tenant(n % tenants),
        "created": created,
    }  # fmt: skip


def check_invariants(db: Database) -> None:
    """Every open row is claimable, held, or waits for children, and every count of children is right."""
    child = jobs.alias("child")
    open_below = (
        select(func.count())
        .where(child.c.parent == jobs.c.id, child.c.state.in_(["queued", "running"]))
        .scalar_subquery()
    )
    below = select(func.count()).where(child.c.parent == jobs.c.id).scalar_subquery()
    with db.read() as connection:
        rows = connection.execute(select(jobs, open_below.label("open"), below.label("all"))).all()
    for row in rows:
        assert row.open_children == row.open, dict(row._mapping)
        assert row.children_total == row.all, dict(row._mapping)
        done = row.children_succeeded + row.children_failed
        assert done + row.open_children == row.children_total, dict(row._mapping)
        waits = row.phase == "wait" and row.open_children > 0
        final = row.state in ("succeeded", "failed", "cancelled")
        ways = [bool(row.claimable), row.holder is not None, waits and not final]
        assert sum(ways) == (0 if final else 1), dict(row._mapping)
        assert (row.holder is None) == (row.lease_until is None), dict(row._mapping)
        assert (row.finished is not None) == final, dict(row._mapping)
