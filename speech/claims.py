"""The life of an attempt in the store: claim, renew, report, split, commit, complete, fail, defer, release.

`attempt` rises with every claim and is the fencing token: a write of an older attempt finds no row and raises
LeaseLost. A holder is `host/boot/child`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.sql.elements import ColumnElement

from speech import family, quotas, turns
from speech.database import Tx
from speech.errors import Internal, LeaseLost, SpeechError, StorageUnavailable
from speech.jobs import FINAL, Artifact, Job, NewJob
from speech.rows import artifact_json, change, insert_jobs, load, to_job
from speech.schema import jobs, pieces

REASONS = ("crash", "preempted", "ours")


@dataclass(frozen=True)
class Rules:
    """The limits of section 2 of the design; seconds and counts."""

    lease: float = 30.0
    crashes: int = 3
    interruptions: int = 10
    outage: float = 86_400.0


def claim(tx: Tx, lane: str, holder: str, rules: Rules, prefer_batch: bool = False) -> Job | None:
    """Take the row of `lane` whose turn it is, or None. `prefer_batch` on every tenth claim of a child."""
    order = ("batch", "interactive") if prefer_batch else ("interactive", "batch")
    row = turns.next_row(tx, lane, order)
    return None if row is None else _take(tx, row, holder, rules)


def _take(tx: Tx, row: Row[Any], holder: str, rules: Rules) -> Job:
    job = to_job(row)
    since = row.outage_since
    if since is not None:  # time spent queueing is no outage of this job's
        since += max(0.0, tx.now - row.not_before)
    change(
        tx, job.id, state="running", claimable=False, attempt=job.attempt + 1, holder=holder,
        lease_until=tx.now + rules.lease, started=job.started or tx.now,
        phase="copy" if job.winner is not None else job.phase, step="starting", outage_since=since,
    )  # fmt: skip
    taken = load(tx, job.id)
    assert taken is not None
    return taken


def _standing(job: Job) -> list[ColumnElement[bool]]:
    return [jobs.c.attempt == job.attempt, jobs.c.state == "running", jobs.c.holder.is_not(None)]


def renew(tx: Tx, job: Job, rules: Rules) -> bool:
    """Keep the lease; True when the job is to be cancelled. A late renewal is good while the attempt stands."""
    row = tx.connection.execute(
        jobs.update()
        .where(jobs.c.id == job.id, *_standing(job))
        .values(lease_until=tx.now + rules.lease)
        .returning(jobs.c.cancel_requested)
    ).one_or_none()
    if row is None:
        raise LeaseLost
    return bool(row.cancel_requested)


def report(tx: Tx, job: Job, fraction: float, step: str, new: list[tuple[int, Any]]) -> None:
    """Store progress and the pieces (number, data) that became ready."""
    if job.parent:
        change(tx, job.parent)  # locked first, as everywhere
    if change(tx, job.id, *_standing(job), fraction=fraction, step=step) is None:
        raise LeaseLost
    _keep(tx, job, new)


def _keep(tx: Tx, job: Job, new: list[tuple[int, Any]]) -> None:
    if new:
        rows = [{"job": job.id, "attempt": job.attempt, "n": n, "data": data} for n, data in new]
        # Again after an outage, when the first answer was lost: the same pieces are fine.
        tx.connection.execute(turns.upsert(tx, pieces).on_conflict_do_nothing(), rows)


def split(tx: Tx, job: Job, parts: list[NewJob]) -> None:
    """Give the job's work to parts: it waits, running and without a lease, until the last one ends."""
    if not parts:
        raise ValueError("a job that is split needs at least one part")
    locked = _locked(tx, job)
    if _stopped(tx, locked):
        return
    change(
        tx, job.id, phase="wait", holder=None, lease_until=None, claimable=False, step="parts",
        children_total=len(parts), open_children=len(parts), fraction=0.0,
    )  # fmt: skip
    ids = insert_jobs(tx, parts, parent=locked)
    for lane in sorted({part.lane for part in parts}):
        turns.enter(tx, lane, job.priority, job.tenant, job.root)
    tx.rings.extend((part.lane, part_id) for part, part_id in zip(parts, ids, strict=True))


def commit(
    tx: Tx, job: Job, artifacts: list[Artifact], result: dict[str, Any], usage: dict[str, float],
    warnings: list[Any], new: list[tuple[int, Any]],
) -> Job:  # fmt: skip
    """Name this attempt the winner; without promised outputs the job has succeeded. Returns the row after."""
    locked = _locked(tx, job)
    if not _stopped(tx, locked):
        _keep(tx, job, new)
        values: dict[str, Any] = {
            "winner": job.attempt,
            "artifacts": [artifact_json(one) for one in artifacts],
            "result": result,
            "usage": {**locked.usage, **usage},
            "warnings": [*locked.warnings, *warnings],
            "outage_since": None,
        }
        if job.outputs:
            change(tx, job.id, phase="copy", step="storing", deadline=None, **values)
        else:
            family.finish(tx, locked, "succeeded", **values)
        if job.api_key and job.kind != "part":  # what its parts made is in the whole
            quotas.count_audio(tx, job.api_key, usage.get("audio_seconds", 0.0))
    after = load(tx, job.id)
    assert after is not None
    return after


def complete(tx: Tx, job: Job) -> None:
    """The winner's bytes are where they were promised: succeeded."""
    family.finish(tx, _locked(tx, job), "succeeded")


def fail(tx: Tx, job: Job, error: SpeechError) -> None:
    """End the job with an error; a requested cancel comes first."""
    locked = _locked(tx, job)
    if not _stopped(tx, locked):
        family.finish(tx, locked, "failed", error)


def cancelled(tx: Tx, job: Job) -> None:
    """The attempt has stopped because it was asked to."""
    family.finish(tx, _locked(tx, job), "cancelled")


def defer(tx: Tx, job: Job, error: SpeechError, rules: Rules) -> None:
    """Put the job back for an outage that is nobody's fault: back-off in the row, no attempt counted."""
    locked = _locked(tx, job)
    row = tx.connection.execute(
        select(jobs.c.outage_since, jobs.c.deferrals).where(jobs.c.id == job.id)
    ).one()
    since = row.outage_since or tx.now
    if _stopped(tx, locked):
        return
    if tx.now - since > rules.outage:
        hours = round(rules.outage / 3600, 1)
        family.finish(tx, locked, "failed", StorageUnavailable("storage_outage", hours=hours))
        return
    pause = min(60.0, 2.0 ** min(row.deferrals, 6))
    warning = {"code": error.code, "fields": error.fields}
    _requeue(
        tx, locked, not_before=tx.now + pause, outage_since=since, deferrals=row.deferrals + 1,
        warnings=locked.warnings if warning in locked.warnings else [*locked.warnings, warning],
    )  # fmt: skip


def release(tx: Tx, holder: str, reason: str, rules: Rules) -> list[str]:
    """Free what a dead holder held: one child (`host/boot/child`), or all below `host/boot/`; the ids freed."""
    whose = jobs.c.holder == holder
    if holder.endswith("/"):
        whose = jobs.c.holder.startswith(holder, autoescape=True)
    held = tx.connection.execute(select(jobs.c.root, jobs.c.id).where(whose)).all()
    return _release_all(tx, held, reason, rules, holder)


def release_expired(tx: Tx, rules: Rules, limit: int = 100) -> list[str]:
    """Free rows whose lease ran out: a node that vanished, which counts as a preemption."""
    late = tx.connection.execute(
        select(jobs.c.root, jobs.c.id)
        .where(jobs.c.lease_until < tx.now)
        .order_by(jobs.c.lease_until)
        .limit(limit)
    ).all()
    return _release_all(tx, late, "preempted", rules, None)


def _release_all(
    tx: Tx, rows: Sequence[Row[Any, Any]], reason: str, rules: Rules, holder: str | None
) -> list[str]:
    """Family by family in one order, so that two releases never wait for each other."""
    return [
        row.id for row in sorted(rows, key=tuple) if _release_one(tx, row.id, reason, rules, holder)
    ]


def _release_one(tx: Tx, job_id: str, reason: str, rules: Rules, holder: str | None) -> bool:
    job = family.lock(tx, job_id)
    row = tx.connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    if job is None or row is None or row.holder is None or job.state in FINAL:
        return False
    if holder is None:
        still = row.lease_until < tx.now
    else:
        still = row.holder == holder or (holder.endswith("/") and row.holder.startswith(holder))
    if not still:
        return False
    if _stopped(tx, job):
        return True
    crashes = row.crashes + (reason == "crash")
    preemptions = row.preemptions + (reason == "preempted")
    error = _too_many(crashes, preemptions, rules)
    if error is not None and job.winner is None:
        family.finish(tx, job, "failed", error, crashes=crashes, preemptions=preemptions)
    else:
        _requeue(tx, job, not_before=tx.now, crashes=crashes, preemptions=preemptions)
    return True


def _too_many(crashes: int, preemptions: int, rules: Rules) -> Internal | None:
    if crashes >= rules.crashes:
        return Internal("worker_lost", crashes=crashes)
    if crashes + preemptions >= rules.interruptions:
        return Internal("preempted_too_often", count=crashes + preemptions)
    return None


def _requeue(tx: Tx, job: Job, **values: Any) -> None:
    """Back into the line; the attempt's pieces are gone with it. A row with a winner stays `running`."""
    change(
        tx, job.id, claimable=True, holder=None, lease_until=None, fraction=0.0, step="queued",
        state="queued" if job.winner is None and job.phase == "work" else "running", **values,
    )  # fmt: skip
    turns.enter(tx, job.lane, job.priority, job.tenant, job.root, values["not_before"])
    tx.rings.append((job.lane, job.id))


def _locked(tx: Tx, job: Job) -> Job:
    """The row, locked with its ancestors, if this attempt still stands. Raises LeaseLost."""
    locked = family.lock(tx, job.id)
    if locked is None or locked.attempt != job.attempt or locked.state != "running":
        raise LeaseLost
    held = tx.connection.execute(select(jobs.c.holder).where(jobs.c.id == job.id)).scalar()
    if held is None:
        raise LeaseLost
    return locked


def _stopped(tx: Tx, job: Job) -> bool:
    """End a job whose cancel was asked for in time (before it had a winner)."""
    if job.cancel_requested and job.winner is None:
        family.finish(tx, job, "cancelled")
        return True
    return False
