"""What the server knows of the workers: a row each, renewed every ten seconds."""

from typing import Any

from sqlalchemy import delete

from speech.database import Database
from speech.schema import workers
from speech.turns import upsert

EVERY = 10.0  # seconds


def report(
    db: Database, worker: str, lanes: list[str], ready: bool, details: dict[str, Any]
) -> None:
    """Say that a worker (`host/boot`) lives; `details` hold models, devices, memory and response time."""
    with db.write() as tx:
        values = {"lanes": lanes, "ready": ready, "details": details, "seen": tx.now}
        tx.connection.execute(
            upsert(tx, workers)
            .values(id=worker, started=tx.now, **values)
            .on_conflict_do_update(index_elements=["id"], set_=values)
        )
        tx.connection.execute(delete(workers).where(workers.c.seen < tx.now - 3600))


def leave(db: Database, worker: str) -> None:
    """Take the row of a worker that has ended."""
    with db.write() as tx:
        tx.connection.execute(delete(workers).where(workers.c.id == worker))
