"""How SQLite means to answer the queries of a block: by which indexes, or by walking a table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from speech.database import Database

ASKED = ("SELECT", "UPDATE", "DELETE")


@contextmanager
def plans(db: Database) -> Iterator[Callable[[], str]]:
    """Yields what tells, after or within the block, a line for each step of each query's plan."""
    assert db.dialect == "sqlite"
    asked: dict[str, Any] = {}

    def hear(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
        if sql.startswith(ASKED):
            asked[sql] = values

    def told() -> str:
        lines = []
        with db.engine.connect() as connection:
            cursor = connection.connection.cursor()  # past the listener
            for sql, values in asked.items():
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
                lines += [f"{row[3]}\n" for row in cursor.fetchall()]
        return "".join(lines)

    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        yield told
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """Yields the list of all that is asked within the block."""
    asked: list[str] = []

    def hear(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        asked.append(sql)

    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)
