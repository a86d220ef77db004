"""Rows of the job table to Jobs and back."""

import uuid
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.sql.elements import ColumnElement

from speech.database import Tx
from speech.jobs import Artifact, Job, NewJob
from speech.schema import jobs


def to_job(row: Row[Any]) -> Job:
    """The Job of a whole row."""
    return Job(
        id=row.id,
        kind=row.kind,
        lane=row.lane,
        state=row.state,
        tenant=row.tenant,
        priority=row.priority,
        phase=row.phase,
        attempt=row.attempt,
        request=row.request,
        input=row.input,
        outputs=tuple(row.outputs),
        promised=tuple(row.promised),
        overwrite=row.overwrite,
        result=row.result,
        error=row.error,
        warnings=list(row.warnings),
        artifacts=tuple(Artifact(**item) for item in row.artifacts),
        fraction=row.fraction,
        step=row.step,
        seq=row.seq,
        parent=row.parent,
        root=row.root,
        part=row.part,
        retry_of=row.retry_of,
        children={
            "total": row.children_total,
            "succeeded": row.children_succeeded,
            "failed": row.children_failed,
        },
        open_children=row.open_children,
        cancel_requested=row.cancel_requested,
        winner=row.winner,
        created=row.created,
        started=row.started,
        finished=row.finished,
        expires=row.expires,
        ttl=row.ttl,
        usage=dict(row.usage),
        api_key=row.api_key,
    )


def insert_jobs(
    tx: Tx, new: list[NewJob], *, parent: Job | None = None, waiting: int = 0
) -> list[str]:
    """Insert rows; children of `parent` take its tenant, key, priority, root and deadline (a check counts against
    no key, and has its own priority). Returns their ids.

    With `waiting`, the (single) new row is a parent that waits for that many children.
    """
    values = [_values(tx, job, parent, place, waiting) for place, job in enumerate(new)]
    tx.connection.execute(insert(jobs), values)
    return [value["id"] for value in values]


def _values(tx: Tx, new: NewJob, parent: Job | None, place: int, waiting: int) -> dict[str, Any]:
    job_id = new.id or str(uuid.uuid4())
    ttl = new.ttl if parent is None else parent.ttl
    began = tx.now if parent is None else parent.created
    return {
        "id": job_id,
        "kind": new.kind,
        "lane": new.lane,
        "state": "running" if waiting else "queued",
        "tenant": parent.tenant if parent else new.tenant,
        "priority": parent.priority if parent and new.kind != "check" else new.priority,
        "phase": "wait" if waiting else "work",
        "claimable": not waiting,
        "request": new.request,
        "input": new.input,
        "input_key": (new.input or {}).get("key"),
        "outputs": list(new.outputs),
        "promised": list(new.promised),
        "overwrite": new.overwrite,
        "warnings": [],
        "artifacts": [],
        "usage": {},
        "fraction": 0.0,
        "step": "waiting" if waiting else "queued",
        "parent": parent.id if parent else None,
        "root": parent.root if parent else job_id,
        "part": place if parent else None,
        "retry_of": new.retry_of,
        "children_total": waiting,
        "open_children": waiting,
        "cancel_requested": False,
        "not_before": tx.now,
        "created": tx.now,
        "ttl": ttl,
        "deadline": None if ttl is None else began + ttl,
        "api_key": parent.api_key if parent and new.kind != "check" else new.api_key,
    }


def load(tx: Tx, job_id: str) -> Job | None:
    """A job by id, read in this transaction."""
    row = tx.connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    return to_job(row) if row else None


def change(tx: Tx, job_id: str, *where: ColumnElement[bool], **values: Any) -> int | None:
    """Update a row, raise its sequence number and remember its event; None when no row matched."""
    found = tx.connection.execute(
        jobs.update()
        .where(jobs.c.id == job_id, *where)
        .values(seq=jobs.c.seq + 1, **values)
        .returning(jobs.c.seq)
    ).one_or_none()
    if found is None:
        return None
    tx.events.append((job_id, found.seq))
    return int(found.seq)


def artifact_json(artifact: Artifact) -> dict[str, Any]:
    """An artifact as the row keeps it."""
    return asdict(artifact)
