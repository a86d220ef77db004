"""Lexicon entries in the store, each function in a transaction of the caller's."""

import uuid
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from speech.database import Tx
from speech.errors import Conflict, NotFound, TooLarge
from speech.lexicon import EVERYBODY, Entry, NewEntry
from speech.schema import lexicon_entries as table
from speech.schema import lexicon_versions
from speech.turns import upsert

_COLUMNS = [table.c[field.name] for field in fields(Entry)]
_PLACE = (table.c.written, table.c.member)


def version(connection: Connection, tenant: str) -> int:
    """Rises with every change of a tenant's entries; 0 where there never was one."""
    found = select(lexicon_versions.c.version).where(lexicon_versions.c.tenant == tenant)
    return connection.execute(found).scalar() or 0


def one(connection: Connection, tenant: str, entry: str) -> Entry:
    """A tenant's entry. Raises NotFound("entry_not_found")."""
    wanted = select(*_COLUMNS).where(table.c.tenant == tenant, table.c.id == entry[:36])
    row = connection.execute(wanted).one_or_none()
    if row is None:
        raise NotFound("entry_not_found", entry=entry[:36])
    return _read(row)


def page(
    connection: Connection, tenant: str, *, member: int | None = None, written: str = "",
    after: str | None = None, limit: int | None = None,
) -> list[Entry]:  # fmt: skip
    """Entries by their written form, from behind `after` (an id) on; `written` is how they begin."""
    wanted = select(*_COLUMNS).where(table.c.tenant == tenant)
    if member is not None:
        wanted = wanted.where(table.c.member == member)
    if written:
        wanted = wanted.where(table.c.written.startswith(written, autoescape=True))
    if after is not None:
        last = one(connection, tenant, after)
        wanted = wanted.where(tuple_(*_PLACE) > tuple_(last.written, last.member))
    return [_read(row) for row in connection.execute(wanted.order_by(*_PLACE).limit(limit))]


def holding(connection: Connection, tenant: str, member: int) -> list[Entry]:
    """The entries that hold for what a member says."""
    mine = table.c.member.in_([EVERYBODY, member])
    rows = connection.execute(select(*_COLUMNS).where(table.c.tenant == tenant, mine))
    return [_read(row) for row in rows]


def add(tx: Tx, tenant: str, new: NewEntry, most: int) -> Entry:
    """A new entry. Raises Conflict("entry_exists"), TooLarge("lexicon_full") when there are `most` already."""
    _check_room(tx, tenant, 1, most)
    values = asdict(new) | {"id": str(uuid.uuid4()), "tenant": tenant}
    try:
        with tx.connection.begin_nested():
            tx.connection.execute(insert(table).values(created=tx.now, changed=tx.now, **values))
    except IntegrityError:
        raise Conflict("entry_exists", param="written", written=new.written) from None
    _rise(tx, tenant)
    return one(tx.connection, tenant, str(values["id"]))


def change(tx: Tx, tenant: str, entry: str, new: NewEntry) -> Entry:
    """An entry as it is now to be. Raises NotFound("entry_not_found"), Conflict("entry_exists")."""
    one(tx.connection, tenant, entry)
    changed = update(table).where(table.c.tenant == tenant, table.c.id == entry)
    try:
        with tx.connection.begin_nested():
            tx.connection.execute(changed.values(changed=tx.now, **asdict(new)))
    except IntegrityError:
        raise Conflict("entry_exists", param="written", written=new.written) from None
    _rise(tx, tenant)
    return one(tx.connection, tenant, entry)


def remove(tx: Tx, tenant: str, entry: str) -> None:
    """Remove an entry. Raises NotFound("entry_not_found")."""
    one(tx.connection, tenant, entry)
    tx.connection.execute(delete(table).where(table.c.tenant == tenant, table.c.id == entry))
    _rise(tx, tenant)


def take(tx: Tx, tenant: str, new: Iterable[NewEntry], most: int, replace: bool) -> dict[str, int]:
    """Many entries at once, all or none: those with the word and member of one that is there take its place.

    With `replace` all others go. How many were created, changed and removed. Raises TooLarge("lexicon_full").
    """
    known = {(entry.written, entry.member): entry for entry in page(tx.connection, tenant)}
    given = {(one.written, one.member): one for one in new}
    gone = known.keys() - given.keys() if replace else set()
    fresh = given.keys() - known.keys()
    _check_room(tx, tenant, len(fresh) - len(gone), most)
    for place in gone:
        tx.connection.execute(delete(table).where(table.c.id == known[place].id))
    for place in given.keys() & known.keys():
        values = asdict(given[place]) | {"changed": tx.now}
        tx.connection.execute(update(table).where(table.c.id == known[place].id).values(values))
    rows = [
        asdict(given[place])
        | {"id": str(uuid.uuid4()), "tenant": tenant, "created": tx.now, "changed": tx.now}
        for place in fresh
    ]
    if rows:
        tx.connection.execute(insert(table), rows)
    _rise(tx, tenant)
    return {"created": len(fresh), "changed": len(given) - len(fresh), "removed": len(gone)}


def _check_room(tx: Tx, tenant: str, more: int, most: int) -> None:
    count = select(func.count()).select_from(table).where(table.c.tenant == tenant)
    if tx.connection.execute(count).scalar_one() + more > most:
        raise TooLarge("lexicon_full", limit=most)


def _rise(tx: Tx, tenant: str) -> None:
    first = upsert(tx, lexicon_versions).values(tenant=tenant, version=1)
    risen = {"version": lexicon_versions.c.version + 1}
    tx.connection.execute(first.on_conflict_do_update(index_elements=["tenant"], set_=risen))


def _read(row: Row[Any]) -> Entry:
    told = dict(row._mapping)
    return Entry(**told | {"aliases": tuple(told["aliases"])})
