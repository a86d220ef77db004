"""Time that has passed, for tests of retention: what is in the store and in a folder becomes older."""

import os
import time
from pathlib import Path

from sqlalchemy import select

from speech.jobs import Job
from speech.retention import DAY
from speech.schema import jobs
from speech.store import JobStore


def age(store: JobStore, days: float, *some: Job) -> None:
    """Let days pass since the end of these jobs and all below them; without any named, of all."""
    roots = {job.root for job in some}
    which = [jobs.c.root.in_(roots)] if roots else []
    with store.db.write() as tx:
        tx.connection.execute(
            jobs.update()
            .where(*which, jobs.c.finished.is_not(None))
            .values(finished=jobs.c.finished - days * DAY, expires=jobs.c.expires - days * DAY)
        )


def age_files(folder: Path, days: float) -> None:
    """Let days pass since the files below a folder were written."""
    then = time.time() - days * DAY
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def stored(folder: Path) -> list[str]:
    """The keys of all objects below the root of a folder storage."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def ids_in(store: JobStore) -> set[str]:
    """The ids of all rows."""
    with store.db.read() as connection:
        return set(connection.execute(select(jobs.c.id)).scalars())
