"""Jobs on their way out of the store: rows to tombstones, and their bytes to the trash.

What is taken from a row and where its bytes are is written in one transaction, so a crash between the two forgets
nothing: `trash` knows what is still to be removed. Roots are locked as everywhere, and without waiting: a family
that somebody changes just now is for the next time.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from speech import uploads
from speech.database import Tx
from speech.retention import WHOLE
from speech.schema import (
    corrections,
    idempotency,
    jobs,
    pieces,
    speech_cache,
    tombstones,
    trash,
)
from speech.turns import upsert
from speech.uploads import Upload

_MANY = 500  # values in one list of a query


def lock_roots(tx: Tx, roots: Iterable[str]) -> set[str]:
    """Those of the topmost rows that are there and that nobody else holds just now."""
    wanted = (
        select(jobs.c.id).where(jobs.c.id.in_(list(roots)), jobs.c.parent.is_(None))
    ).order_by(jobs.c.id)
    return set(tx.connection.execute(wanted.with_for_update(skip_locked=True)).scalars())


def members(connection: Connection, job_id: str) -> list[Row]:
    """A job's row and all below it."""
    found: list[Row] = []
    some = _rows(connection, jobs.c.id, [job_id])
    while some:
        found += some
        some = _rows(connection, jobs.c.parent, [row.id for row in some])
    return found


def _rows(connection: Connection, column: Any, values: Sequence[str]) -> list[Row]:
    wanted = select(
        jobs.c.id, jobs.c.tenant, jobs.c.finished, jobs.c.input_key, jobs.c.artifacts,
        jobs.c.warnings, jobs.c.purged,
    )  # fmt: skip
    return [
        row
        for start in range(0, len(values), _MANY)
        for row in connection.execute(wanted.where(column.in_(values[start : start + _MANY])))
    ]


def needed(connection: Connection, family: list[Row]) -> bool:
    """True while anything in a family is at work, or a job elsewhere reads what the family made."""
    if any(row.finished is None for row in family):
        return True
    keys = [artifact["key"] for row in family for artifact in row.artifacts]
    readers = select(jobs.c.id).where(jobs.c.finished.is_(None))
    return any(
        connection.execute(
            readers.where(jobs.c.input_key.in_(keys[start : start + _MANY])).limit(1)
        ).first()
        for start in range(0, len(keys), _MANY)
    )


def take_artifacts(tx: Tx, family: list[Row], purged: int, days: float) -> None:
    """Empty a family's artifacts; their bytes go to the trash, and each row says what has become of them."""
    told = {"code": "files_expired", "days": int(days) or round(days, 3)}
    for row in family:
        if row.artifacts:
            emptied = jobs.update().where(jobs.c.id == row.id)
            tx.connection.execute(emptied.values(artifacts=[], warnings=[*row.warnings, told]))
    _throw_folders(tx, family)
    tx.connection.execute(jobs.update().where(jobs.c.id == family[0].id).values(purged=purged))


def take_upload(tx: Tx, upload: Upload) -> bool:
    """Forget an upload and send its bytes to the trash, unless a job has them; whether they went."""
    uploads.forget_keys(tx.connection, [upload.key])  # from here on no new job can name it
    used = select(jobs.c.id).where(jobs.c.input_key == upload.key).limit(1)
    if tx.connection.execute(used).first():
        return False
    throw_away(tx, [upload.key])
    return True


def take_input(tx: Tx, key: str, tenant: str, cutoff: float) -> bool:
    """Send an input to the trash, unless a job that lives or ended after `cutoff` uses it, or its upload still
    stands; whether it went.

    An object that is not ours to remove is only no longer looked at.
    """
    using = select(jobs.c.id, jobs.c.root, jobs.c.input, jobs.c.finished).where(
        jobs.c.input_key == key, jobs.c.tenant == tenant
    )
    locked = lock_roots(tx, {row.root for row in tx.connection.execute(using)})
    rows = tx.connection.execute(using).all()  # again, now that nobody can make a retry of them
    if any(row.root not in locked or not _before(row, cutoff) for row in rows):
        return False
    if uploads.stored(tx.connection, [key]):
        return False
    ours = key.startswith(f"t/{tenant}/inputs/")
    for row in rows:
        left = {name: value for name, value in row.input.items() if name != "key"}
        changed = {"input": {**left, "expired": True}} if ours else {}
        tx.connection.execute(
            jobs.update().where(jobs.c.id == row.id).values(input_key=None, **changed)
        )
    throw_away(tx, [key] if ours else [])
    return ours


def _before(row: Row, cutoff: float) -> bool:
    return row.finished is not None and row.finished < cutoff


def forget(tx: Tx, family: list[Row]) -> None:
    """Erase a family, its first row the topmost; all its bytes go to the trash."""
    top = family[0]
    inputs = erase(tx, top.id)
    throw_away(tx, (key for key in inputs if key.startswith(f"t/{top.tenant}/inputs/")))
    _throw_folders(tx, family)


def erase(tx: Tx, job_id: str) -> list[str]:
    """Delete a job and all below it, leaving tombstones; the input keys that no other job has, whose uploads go too."""
    family = members(tx.connection, job_id)
    inputs = {row.input_key for row in family if row.input_key}
    uploads.lock_keys(tx.connection, inputs)  # before the look at who else uses them
    graves = [{"id": row.id, "tenant": row.tenant, "gone": tx.now} for row in family]
    tx.connection.execute(upsert(tx, tombstones).on_conflict_do_nothing(), graves)
    for start in range(0, len(family), _MANY):
        ids = [row.id for row in family[start : start + _MANY]]
        _drop_cached(tx, ids)
        tx.connection.execute(delete(pieces).where(pieces.c.job.in_(ids)))
        tx.connection.execute(delete(corrections).where(corrections.c.job.in_(ids)))
        tx.connection.execute(delete(idempotency).where(idempotency.c.job.in_(ids)))
        tx.connection.execute(delete(jobs).where(jobs.c.id.in_(ids)))
    kept = select(jobs.c.input_key).where(jobs.c.input_key.in_(inputs))
    gone = inputs - set(tx.connection.execute(kept).scalars())
    uploads.forget_keys(tx.connection, gone)
    return sorted(gone)


def _drop_cached(tx: Tx, ids: list[str]) -> None:
    """Sound of these jobs that was kept for the next request goes with them."""
    made = delete(speech_cache).where(speech_cache.c.job.in_(ids)).returning(speech_cache.c.prefix)
    throw_away(tx, list(tx.connection.execute(made).scalars()))


def throw_away(tx: Tx, keys: Iterable[str]) -> None:
    """Write down objects that are to be removed; a key that ends with a slash means all below it."""
    rows = [{"key": key, "since": tx.now} for key in keys]
    if rows:
        tx.connection.execute(upsert(tx, trash).on_conflict_do_nothing(), rows)


def _throw_folders(tx: Tx, family: list[Row]) -> None:
    """All that the family's attempts have stored, if it has not gone before."""
    if family[0].purged == WHOLE:
        throw_away(tx, (f"t/{row.tenant}/jobs/{row.id}/" for row in family))
