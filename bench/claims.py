"""How long a claim takes among 1,000, 10,000 and 100,000 queued rows of 50 tenants, on both databases.

    python -m bench.claims

prints a table for docs/reliability.md: the claim's transaction as a worker calls it, commit included (SQLite
waits for the disk there; the private PostgreSQL does not), in milliseconds.
"""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from speech.database import Database
from speech.migrations import migrate
from speech.store import JobStore
from tests import services
from tests.some_jobs import many_rows

ROWS, TENANTS, CLAIMS = (1_000, 10_000, 100_000), 50, 300


def claim_times(url: str, rows: int) -> list[float]:
    """Seconds of each of many claims in a fresh database with that many queued rows, sorted."""
    with contextlib.closing(Database(url)) as db:
        migrate(db)
        many_rows(db, rows, TENANTS)
        store, spans = JobStore(db), []
        for n in range(CLAIMS):
            start = time.perf_counter()
            job = store.claim("speech", f"host/boot/speech-{n}")
            spans.append(time.perf_counter() - start)
            assert job is not None
    return sorted(spans)


@contextlib.contextmanager
def databases() -> Iterator[list[tuple[str, list[str]]]]:
    """The name of each kind of database, and a fresh URL for each number of rows."""
    with tempfile.TemporaryDirectory() as folder, services.postgres() as cluster:
        with psycopg.connect(cluster, autocommit=True) as admin:
            for rows in ROWS:
                admin.execute(f"CREATE DATABASE rows_{rows}")
        urls = [make_url(cluster).set(database=f"rows_{rows}") for rows in ROWS]
        yield [
            ("SQLite", [f"sqlite:///{Path(folder) / str(rows)}.db" for rows in ROWS]),
            ("PostgreSQL", [url.render_as_string(hide_password=False) for url in urls]),
        ]


def main() -> None:
    """Print the table."""
    print("| database | queued rows | median ms | p95 ms |\n|---|---|---|---|")
    with databases() as kinds:
        for name, urls in kinds:
            for rows, url in zip(ROWS, urls, strict=True):
                spans = [span * 1000 for span in claim_times(url, rows)]
                p95 = spans[int(len(spans) * 0.95)]
                print(
                    f"| {name} | {rows:,} | {statistics.median(spans):.1f} | {p95:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
