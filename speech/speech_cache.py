"""Sound that was made before, by what is heard in it: rows of the store, and where the bytes are.

An entry has a folder of its own in storage, never used again, so that a late removal of an old one takes nothing
from a new one.
"""

import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from speech.database import Tx
from speech.erasing import throw_away
from speech.jobs import Artifact, Job
from speech.schema import speech_cache as table
from speech.turns import upsert

NOTE_EVERY = 60.0  # seconds between notes that an entry was used
TIMES = "times.json"  # when each letter is said, beside the sound


@dataclass(frozen=True)
class Kept:
    """An entry: its sound by format, keys of storage in it."""

    prefix: str
    files: dict[str, Artifact]


def new_prefix(tenant: str) -> str:
    """A folder for an entry."""
    return f"t/{tenant}/speech_cache/{uuid.uuid4()}/"


def find(connection: Connection, tenant: str, key: str, formats: Iterable[str]) -> Kept | None:
    """The entry under a key, if it has all these formats."""
    row = connection.execute(_under(tenant, key)).one_or_none()
    if row is None or not set(formats) <= row.files.keys():
        return None
    return Kept(row.prefix, {name: Artifact(**told) for name, told in row.files.items()})


def note_use(tx: Tx, tenant: str, key: str) -> None:
    """An entry that is used lives longer; one note a minute is enough."""
    old = table.c.used < tx.now - NOTE_EVERY
    mine = table.update().where(table.c.tenant == tenant, table.c.key == key, old)
    tx.connection.execute(mine.values(used=tx.now))


def keep(tx: Tx, job: Job, key: str, member: int, kept: Kept) -> None:
    """Write down what a job has made; what stood under its key goes to the trash."""
    old = tx.connection.execute(_under(job.tenant, key).with_for_update()).one_or_none()
    if old is not None:
        throw_away(tx, [old.prefix])
    values = {
        "prefix": kept.prefix,
        "job": job.id,
        "member": member,
        "files": {name: asdict(one) for name, one in kept.files.items()},
        "bytes": sum(one.size for one in kept.files.values()),
        "made": tx.now,
        "used": tx.now,
    }
    new = upsert(tx, table).values(tenant=job.tenant, key=key, **values)
    tx.connection.execute(new.on_conflict_do_update(index_elements=["tenant", "key"], set_=values))


def take_member(tx: Tx, member: int) -> int:
    """Forget all entries of a member's voice; their bytes go to the trash. How many went."""
    return _take(tx, tx.connection.execute(select(table).where(table.c.member == member)).all())


def take_old(tx: Tx, unused_since: float, limit: int) -> int:
    """Forget entries that nobody used since a time, oldest first."""
    old = select(table).where(table.c.used < unused_since).order_by(table.c.used).limit(limit)
    return _take(tx, tx.connection.execute(old).all())


def take_over(tx: Tx, most: int, limit: int) -> int:
    """Forget the entries used longest ago while all of them together hold more than `most` bytes."""
    whole = tx.connection.execute(select(func.coalesce(func.sum(table.c.bytes), 0))).scalar_one()
    going, over = [], int(whole) - most
    for row in tx.connection.execute(select(table).order_by(table.c.used).limit(limit)):
        if over <= 0:
            break
        going.append(row)
        over -= row.bytes
    return _take(tx, going)


def known(connection: Connection, prefixes: Iterable[str]) -> set[str]:
    """Those of some folders that an entry has."""
    found = select(table.c.prefix).where(table.c.prefix.in_(list(prefixes)))
    return set(connection.execute(found).scalars())


def _take(tx: Tx, rows: Iterable[Row[Any]]) -> int:
    rows = list(rows)
    for row in rows:
        mine = table.c.tenant == row.tenant, table.c.key == row.key
        tx.connection.execute(delete(table).where(*mine))
    throw_away(tx, (row.prefix for row in rows))
    return len(rows)


def _under(tenant: str, key: str) -> Any:
    return select(table).where(table.c.tenant == tenant, table.c.key == key)
