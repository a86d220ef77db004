"""Failures that are told where the result was promised: error.json beside the outputs of a bucket job.

A job may fail wherever the store is written (its time is over, its worker is lost, a part of it fails), and only
workers write to storage: the row says what is still to be told, and the next worker of the lane tells it.
"""

import json
import logging

from sqlalchemy import Connection, select

from speech.errors import Conflict
from speech.jobs import Job
from speech.messages import say
from speech.rows import to_job
from speech.schema import jobs
from speech.storage import Storage
from speech.store import JobStore

NAME = "error.json"
log = logging.getLogger(__name__)


def tell_all(store: JobStore, storage: Storage, lane: str) -> None:
    """Tell what is untold in a lane. Raises StorageUnavailable and Unavailable."""
    with store.db.read() as connection:
        failed = untold(connection, lane)
    for job in failed:
        tell(storage, job)
        with store.writing() as tx:
            tx.connection.execute(jobs.update().where(jobs.c.id == job.id).values(untold=False))


def untold(connection: Connection, lane: str, limit: int = 20) -> list[Job]:
    """Jobs of a lane that failed and whose promised place has not been told."""
    rows = connection.execute(
        select(jobs).where(jobs.c.untold, jobs.c.lane == lane).order_by(jobs.c.id).limit(limit)
    )
    return [to_job(row) for row in rows]


def tell(storage: Storage, job: Job) -> None:
    """Write error.json beside the outputs; what somebody else has there stays, unless the job may overwrite.

    Safe to repeat. Raises StorageUnavailable.
    """
    error = job.error or {"code": "internal"}
    sentence = say(error["code"], param=error.get("param"), **error.get("fields", {}))
    data = {"job": job.id, "error": {"code": error["code"], "message": sentence}}
    body = json.dumps(data, ensure_ascii=False).encode()
    source = f"t/{job.tenant}/jobs/{job.id}/{NAME}"
    try:
        storage.put(source, body, "application/json", owner=job.id)
        again = job.overwrite or job.retry_of is not None
        storage.copy(source, place(job), "application/json", job.id, again)
    except Conflict:
        log.warning(
            "job %s: %s is somebody else's; the failure is told by the API only", job.id, place(job)
        )


def forget(storage: Storage, job: Job) -> None:
    """A retry has succeeded: what the first job told of its failure is no longer so."""
    if job.retry_of is not None and job.outputs:
        storage.delete(place(job))


def place(job: Job) -> str:
    """The key of error.json."""
    return f"{job.outputs[0].rpartition('/')[0]}/{NAME}"
