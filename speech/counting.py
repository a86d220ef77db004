"""Counters of the whole deployment that outlive every process."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from speech.database import Tx
from speech.schema import counters
from speech.turns import upsert


def add(tx: Tx, counts: Mapping[str, float]) -> None:
    """Raise counters; one that is new begins at 0."""
    insert = upsert(tx, counters)
    insert = insert.on_conflict_do_update(
        index_elements=["name"], set_={"value": counters.c.value + insert.excluded.value}
    )
    for name, count in sorted(counts.items()):
        tx.connection.execute(insert, {"name": name, "value": count})


def put(tx: Tx, name: str, value: float) -> None:
    """Set a value, such as a time."""
    insert = upsert(tx, counters).values(name=name, value=value)
    tx.connection.execute(
        insert.on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def read(connection: Connection) -> dict[str, float]:
    """All of them."""
    return {row.name: row.value for row in connection.execute(select(counters))}
