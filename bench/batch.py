"""A batch of many waiting recordings: seconds to accept it and to cancel it, on SQLite.

python -m bench.batch [--items 10000]
"""

import argparse
import tempfile
import time

from speech.database import Database
from speech.jobs import NewJob
from speech.migrations import migrate
from speech.store import JobStore


def main() -> None:
    """Print a row for a tenth of the items, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    items = parser.parse_args().items
    print("| items | accepted, s | cancelled, s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/jobs.db")
        migrate(database)
        for count in (items // 10, items):
            accepted, cancelled = measured(JobStore(database), count)
            print(f"| {count} | {accepted:.2f} | {cancelled:.2f} |")


def measured(store: JobStore, count: int) -> tuple[float, float]:
    """Seconds to accept and to cancel."""
    parent = NewJob("batch", "transcription", {"items": count}, priority="batch")
    items = [NewJob("transcription", "transcription", {}) for _ in range(count)]
    began = time.perf_counter()
    batch, _ = store.create(parent, items)
    accepted = time.perf_counter()
    store.cancel(batch.id, batch.tenant)
    return accepted - began, time.perf_counter() - accepted


if __name__ == "__main__":
    main()
