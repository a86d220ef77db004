"""The whole job store in one file, as it was in one moment; between SQLite and PostgreSQL it goes both ways.

A ZIP archive: a file `{table}.jsonl` with a row a line for each table and, written last, `manifest.json` with the
schema's revision and each table's count and SHA-256. Rows are streamed; memory does not grow with them.
"""

import contextlib
import hashlib
import itertools
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.exc import StatementError

from speech import claims, migrations, turns, whole_files
from speech.database import Database, Tx
from speech.errors import Conflict, InvalidRequest
from speech.jobs import rfc3339
from speech.schema import jobs, metadata
from speech.store import JobStore

FORMAT = 1
# Who is at work just now, and what has been counted: not true of another deployment.
LEFT_OUT = {"workers", "locks", "counters"}
BATCH = 500  # rows
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError)


@dataclass(frozen=True)
class Manifest:
    """What an archive holds; `tables` by name: {"rows", "sha256"}."""

    format: int
    revision: str
    made: str  # RFC 3339, by the store's clock
    tables: dict[str, dict[str, Any]]

    @property
    def counts(self) -> dict[str, int]:
        """Rows by table."""
        return {name: told["rows"] for name, told in self.tables.items()}


def kept_tables() -> list[Table]:
    """The tables of a backup, in an order that they can be filled in."""
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def back_up(db: Database, path: Path) -> Manifest:
    """Write everything to `path`: whole or not at all, readable by its owner only. The rows are of one moment."""
    migrations.check(db)
    with whole_files.partial(path) as part:
        secret = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(secret, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                made = _write(db, archive)
            file.flush()
            os.fsync(file.fileno())
        whole_files.replace(part, path)
    return made


def _write(db: Database, archive: zipfile.ZipFile) -> Manifest:
    with db.snapshot() as connection:
        made = rfc3339(db.now(connection)) or ""
        tables = {table.name: _dump(connection, table, archive) for table in kept_tables()}
    manifest = Manifest(FORMAT, migrations.wanted(), made, tables)
    archive.writestr("manifest.json", json.dumps(asdict(manifest), indent=1))
    return manifest


def _dump(connection: Connection, table: Table, archive: zipfile.ZipFile) -> dict[str, Any]:
    count, digest = 0, hashlib.sha256()
    rows = connection.execution_options(stream_results=True, yield_per=BATCH).execute(select(table))
    with archive.open(_file(table.name), "w", force_zip64=True) as file:
        for row in rows:
            line = json.dumps(dict(row._mapping), ensure_ascii=False, allow_nan=False).encode()
            digest.update(line + b"\n")
            file.write(line + b"\n")
            count += 1
    return {"rows": count, "sha256": digest.hexdigest()}


def restore(store: JobStore, path: Path) -> Manifest:
    """Fill an empty, migrated store; all or nothing. What was running is queued again, unblamed.

    Raises Conflict("store_not_empty"), InvalidRequest("backup_newer") and InvalidRequest("backup_unreadable").
    """
    migrations.check(store.db)
    with _readable(path), zipfile.ZipFile(path) as archive:
        manifest = Manifest(**json.loads(archive.read("manifest.json")))
        if manifest.format != FORMAT or not migrations.is_known(manifest.revision):
            raise InvalidRequest(
                "backup_newer", revision=manifest.revision, ours=migrations.wanted()
            )
        with store.writing() as tx:
            _refuse_filled(tx)
            for name, told in manifest.tables.items():
                _load(tx, metadata.tables[name], archive, told)
            _queue_again(tx, store.rules)
    return manifest


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGED, KeyError, TypeError, ValueError, StatementError) as error:
        raise InvalidRequest("backup_unreadable", path=str(path)) from error


def _refuse_filled(tx: Tx) -> None:
    """Raises Conflict("store_not_empty"); until the end of the transaction nobody else fills it."""
    for table in kept_tables():
        if tx.connection.dialect.name == "postgresql":  # SQLite has one writer at a time
            tx.connection.exec_driver_sql(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE")
        if tx.connection.execute(select(1).select_from(table).limit(1)).first():
            raise Conflict("store_not_empty", table=table.name)


def _load(tx: Tx, table: Table, archive: zipfile.ZipFile, told: dict[str, Any]) -> None:
    count, digest = 0, hashlib.sha256()
    with archive.open(_file(table.name)) as file:
        while lines := list(itertools.islice(file, BATCH)):
            for line in lines:
                digest.update(line)
            tx.connection.execute(insert(table), [json.loads(line) for line in lines])
            count += len(lines)
    if (count, digest.hexdigest()) != (told["rows"], told["sha256"]):
        raise ValueError(f"{table.name} is not as its manifest says")


def _queue_again(tx: Tx, rules: claims.Rules) -> None:
    """No holder of the archive's is alive here; nobody is to blame for that."""
    holders = select(jobs.c.holder).where(jobs.c.holder.is_not(None)).distinct()
    for holder in sorted(tx.connection.execute(holders).scalars()):
        claims.release(tx, holder, "ours", rules)
    turns.heal(tx)


def _file(table: str) -> str:
    return f"{table}.jsonl"
