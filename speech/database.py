"""The database under the job store: SQLite (WAL) or PostgreSQL, short transactions, one clock."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from speech.errors import Unavailable

# Seconds since 1970; julianday has a resolution of a millisecond.
_CLOCK = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
}


TICK = 0.002  # seconds; SQLite's clock counts milliseconds


@dataclass
class Tx:
    """One write transaction: its connection, its time, and what is to be rung once it is committed."""

    connection: Connection
    now: float
    rings: list[tuple[str, str]] = field(default_factory=list)  # (lane, job id)
    events: list[tuple[str, int]] = field(default_factory=list)  # (job id, sequence number)
    turns: dict[tuple[str, str, str, str], float] = field(
        default_factory=dict
    )  # see speech/turns.py
    at_end: "list[Callable[[Tx], None]]" = field(default_factory=list)  # run just before the commit


class Database:
    """Connections to one database; `durable=False` lets SQLite commit without waiting for the disk."""

    def __init__(self, url: str, *, durable: bool = True) -> None:
        self.url = url
        self.engine = _engine(url, durable)
        self.dialect = self.engine.dialect.name
        self._ticking = threading.Lock()
        self._last = 0.0

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reads. Raises Unavailable when the database does not answer."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees the store as it was at its first read, for as long as it reads."""
        engine = self.engine  # SQLite's WAL does so in any transaction
        if self.dialect == "postgresql":
            engine = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with _translated(), engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that commits at the end of the block, or leaves no trace."""
        with (
            _translated(),
            self.engine.execution_options(sqlite_begin="IMMEDIATE").connect() as connection,
            connection.begin(),
        ):
            tx = Tx(connection, self.now(connection))
            yield tx
            for act in tx.at_end:
                act(tx)

    def now(self, connection: Connection) -> float:
        """The store's clock; in one process never the same twice, for turns are told apart by it."""
        told = float(connection.execute(text(_CLOCK[self.dialect])).scalar_one())
        with self._ticking:
            tied = self._last - TICK < told <= self._last
            self._last = self._last + 1e-6 if tied else told
            return self._last

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("store_unavailable") from error
    except DBAPIError as error:
        # Drivers raise subclasses of these (a timeout, a shutdown, a deadlock that was broken).
        if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
            raise Unavailable("store_unavailable") from error
        raise


def _engine(url: str, durable: bool) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(
            parsed,
            pool_size=8,
            max_overflow=24,
            pool_timeout=10,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args={"connect_timeout": 5},
        )
    if parsed.get_backend_name() != "sqlite":
        raise ValueError("MOKSORI_DATABASE_URL: use sqlite:///… or postgresql://…")
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        pool_size=8,
        max_overflow=24,
        connect_args={"timeout": 10, "check_same_thread": False},
    )
    _tune_sqlite(engine, "FULL" if durable else "NORMAL")
    return engine


def _tune_sqlite(engine: Engine, synchronous: str) -> None:
    """WAL, and BEGIN said by us: a deferred transaction that reads and then writes fails at once when
    another commits between, whatever the busy timeout (https://www.sqlite.org/isolation.html)."""

    @event.listens_for(engine, "connect")
    def connect(connection, _record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None
        for pragma in (
            "busy_timeout=10000",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
