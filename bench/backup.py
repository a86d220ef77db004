"""Backup and restore of 10,000, 100,000 and 1,000,000 rows: seconds, the file's size, and memory at its highest.

    python -m bench.backup            # SQLite to PostgreSQL and back; ARGS as rows: python -m bench.backup 1000

prints a table for docs/backup.md. Each step is a process of its own, so that its memory is its own; what an empty
one takes is the first row.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from speech.database import Database
from speech.migrations import migrate
from tests import services
from tests.some_jobs import many_rows

ROWS = (0, 10_000, 100_000, 1_000_000)
TENANTS = 50


@contextmanager
def two_stores(rows: int) -> Iterator[tuple[str, str, Path]]:
    """The URLs of a SQLite store with that many rows and of an empty PostgreSQL store, and a folder."""
    with tempfile.TemporaryDirectory() as folder, services.postgres() as cluster:
        with psycopg.connect(cluster, autocommit=True) as admin:
            admin.execute("CREATE DATABASE other")
        full = f"sqlite:///{folder}/full.db"
        other = make_url(cluster).set(database="other").render_as_string(hide_password=False)
        for url in (full, other):
            with closing(Database(url, durable=False)) as db:
                migrate(db)
                if rows and url == full:
                    many_rows(db, rows, TENANTS)
        yield full, other, Path(folder)


def step(url: str, *words: str) -> tuple[float, float]:
    """Seconds and the highest memory (MB) of one `moksori` command over a store."""
    env = os.environ | {"MOKSORI_DATABASE_URL": url}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "moksori", *words], env=env, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, words
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    print("| rows | step | seconds | MB of memory | MB of file |\n|---|---|---|---|---|")
    for rows in [int(word) for word in sys.argv[1:]] or ROWS:
        with two_stores(rows) as (full, other, folder):
            one, two = str(folder / "one.zip"), str(folder / "two.zip")
            for name, url, words, file in (
                ("backup of SQLite", full, ("backup", one), one),
                ("restore into PostgreSQL", other, ("restore", one), one),
                ("backup of PostgreSQL", other, ("backup", two), two),
            ):
                seconds, memory = step(url, *words)
                size = Path(file).stat().st_size / 1e6
                print(
                    f"| {rows:,} | {name} | {seconds:.1f} | {memory:.0f} | {size:.1f} |", flush=True
                )


if __name__ == "__main__":
    main()
