"""How a job ends, and what its end means to its parent and its children.

Every function runs inside one write transaction. Rows are locked from the root downwards, always.
"""

from collections.abc import Iterable
from statistics import fmean
from typing import Any

from sqlalchemy import Row, select

from speech.database import Tx
from speech.errors import SpeechError
from speech.jobs import FINAL, RESERVED, Job
from speech.rows import change, to_job
from speech.schema import jobs
from speech.turns import enter


def error_json(error: SpeechError) -> dict[str, Any]:
    """An error as a row keeps it; its sentence is made when it is read, in the reader's language."""
    return {
        "code": error.code,
        "fields": error.fields,
        "param": error.param,
        "class": type(error).__name__,
    }


def lock(tx: Tx, job_id: str) -> Job | None:
    """A job, locked together with all its ancestors (root first); None when there is no such row."""
    chain = [job_id]
    while parent := tx.connection.execute(
        select(jobs.c.parent).where(jobs.c.id == chain[-1])
    ).scalar():
        chain.append(parent)
    row = None
    for one in reversed(chain):
        row = tx.connection.execute(
            select(jobs).where(jobs.c.id == one).with_for_update()
        ).one_or_none()
    return to_job(row) if row else None


def finish(
    tx: Tx, job: Job, state: str, error: SpeechError | dict[str, Any] | None = None, **values: Any
) -> None:
    """End a locked job; its open children end with it, and its parent learns of it."""
    if job.state in FINAL:
        return
    told = error_json(error) if isinstance(error, SpeechError) else error
    done = {"fraction": 1.0} if state == "succeeded" else {}
    untold = state == "failed" and bool(job.outputs) and not job.outputs[0].startswith(RESERVED)
    change(
        tx, job.id, state=state, error=told, claimable=False, holder=None, lease_until=None,
        deadline=None, finished=tx.now, step=state, untold=untold, **done, **values,
    )  # fmt: skip
    if untold:
        tx.rings.append((job.lane, job.id))  # a worker writes error.json there
    if job.open_children:
        _end_children(tx, job)
    if job.parent:
        _tell_parent(tx, job, state, told)


def _end_children(tx: Tx, parent: Job) -> None:
    """Cancel what is open below: at once where nobody works on it, else by flag."""
    _cancel_idle(tx, parent)
    rows = tx.connection.execute(
        select(jobs)
        .where(jobs.c.parent == parent.id, jobs.c.state.not_in(FINAL))
        .order_by(jobs.c.id)
        .with_for_update()
    ).all()
    for row in rows:
        if row.winner is not None:
            continue  # its bytes are being put in place: it ends by itself
        if row.holder is None:
            finish(tx, to_job(row), "cancelled")
        else:
            change(tx, row.id, cancel_requested=True)


def _cancel_idle(tx: Tx, parent: Job) -> None:
    """Most of a large batch waits in the queue: all of those in one statement, and the parent told once."""
    idle = (jobs.c.holder.is_(None), jobs.c.winner.is_(None), jobs.c.open_children == 0)
    ended = tx.connection.execute(
        jobs.update()
        .where(jobs.c.parent == parent.id, jobs.c.state.not_in(FINAL), *idle)
        .values(
            seq=jobs.c.seq + 1, state="cancelled", step="cancelled", error=None, claimable=False,
            lease_until=None, deadline=None, finished=tx.now,
        )
        .returning(jobs.c.id, jobs.c.seq)
    ).all()  # fmt: skip
    if not ended:
        return
    tx.events += [(row.id, row.seq) for row in ended]
    change(
        tx, parent.id, open_children=jobs.c.open_children - len(ended),
        children_failed=jobs.c.children_failed + len(ended),
    )  # fmt: skip


def _tell_parent(tx: Tx, child: Job, state: str, error: dict[str, Any] | None) -> None:
    assert child.parent is not None
    row = tx.connection.execute(select(jobs).where(jobs.c.id == child.parent)).one()
    succeeded = row.children_succeeded + (state == "succeeded")
    failed = row.children_failed + (state != "succeeded")
    still_open = row.open_children - 1
    change(
        tx, row.id, open_children=still_open, children_succeeded=succeeded, children_failed=failed,
        **({} if row.state in FINAL else {"fraction": _fraction(row, child, succeeded + failed)}),
    )  # fmt: skip
    if row.state in FINAL:
        return
    parent = to_job(tx.connection.execute(select(jobs).where(jobs.c.id == row.id)).one())
    if parent.kind == "batch":
        _batch_item_ended(tx, parent)
    else:
        _part_ended(tx, parent, child, state, error)


def seconds_of(requests: Iterable[dict[str, Any]]) -> dict[str, float]:
    """What a batch's request keeps to tell its progress: seconds of audio in all, and of an item that did not say
    (the mean of those that did); nothing where none did."""
    said = [request.get("seconds") for request in requests]
    known = [seconds for seconds in said if seconds]
    return {"seconds": fmean(known) * len(said), "seconds_else": fmean(known)} if known else {}


def _fraction(row: Row[Any], child: Job, ended: int) -> float:
    """How far a parent is: by seconds of audio where those of some children are known beforehand, else by children."""
    whole = row.request.get("seconds")
    if row.kind != "batch" or not whole:
        return float(ended / row.children_total)
    part = child.request.get("seconds") or row.request["seconds_else"]
    return min(1.0, float(row.fraction + part / whole))


def _batch_item_ended(tx: Tx, batch: Job) -> None:
    if batch.open_children:
        return
    if batch.children["succeeded"] and batch.outputs:
        _join(tx, batch)  # writes the index
    elif batch.children["succeeded"]:
        finish(tx, batch, "succeeded", result=dict(batch.children))
    else:
        finish(tx, batch, "failed", SpeechError("all_failed"))


def _part_ended(tx: Tx, parent: Job, child: Job, state: str, error: dict[str, Any] | None) -> None:
    if state == "failed":
        finish(tx, parent, "failed", _for_parent(child, error))
    elif state == "cancelled":
        finish(tx, parent, "cancelled")
    elif parent.open_children == 0:
        _join(tx, parent)


def _join(tx: Tx, parent: Job) -> None:
    """Nothing is open below: the parent's own last step can be claimed."""
    change(tx, parent.id, phase="join", claimable=True, not_before=tx.now, step="joining")
    enter(tx, parent.lane, parent.priority, parent.tenant, parent.root)
    tx.rings.append((parent.lane, parent.id))


def _for_parent(child: Job, error: dict[str, Any] | None) -> dict[str, Any]:
    """The part's own error, with its place: the parent fails for the same reason."""
    told = dict(error or {"code": "internal", "fields": {}, "param": None, "class": "Internal"})
    told["part"] = child.part
    return told
