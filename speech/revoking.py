"""What happens when a member takes a voice back: jobs are cancelled, and all that the voice said is removed.

The refusal of new jobs is committed first. Then each job is looked at in a transaction of its own, and bytes are
written to the trash before they are removed: a run that is killed, or meets an outage, is gone on with by the next.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.sql.elements import ColumnElement

from speech import erasing, ledger, speech_cache
from speech.errors import Conflict, NotFound
from speech.jobs import FINAL
from speech.schema import jobs, trash
from speech.storage import Storage
from speech.store import JobStore

MANY = 500  # rows of one look
GONE = "voice_was_revoked"  # the warning of a job whose files went

log = logging.getLogger(__name__)
_COLUMNS = (
    jobs.c.id, jobs.c.tenant, jobs.c.state, jobs.c.request, jobs.c.outputs, jobs.c.warnings,
    jobs.c.artifacts,
)  # fmt: skip


@dataclass
class Report:
    """What a revocation has done; `failed` are objects that could not be removed, `running` jobs that end later."""

    cancelled: int = 0
    emptied: int = 0
    cached: int = 0
    objects: int = 0
    failed: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """As the API and the command tell it."""
        return {
            "jobs_cancelled": self.cancelled,
            "jobs_running": self.running,
            "jobs_emptied": self.emptied,
            "cached_removed": self.cached,
            "places_removed": self.objects,
            "failed": self.failed,
        }


def revoke(store: JobStore, storage: Storage, member: int, by: str) -> Report:
    """Refuse, cancel and remove; may be said again. Raises Unavailable when the store is away."""
    with store.writing() as tx:
        ledger.revoke(tx, member, by)
        report = Report(cached=speech_cache.take_member(tx, member))
        thrown = _thrown(tx.connection, trash.c.key.contains("/speech_cache/"))
    for row in _spoken(store, member):
        if row.state not in FINAL:
            _cancel(store, row, report)
        elif _holds_files(row):
            thrown += _empty(store, row, member)
            report.emptied += 1
        else:  # what an earlier run could not remove
            with store.db.read() as connection:
                thrown += _thrown(connection, trash.c.key.in_(_places(row)))
    _remove(store, storage, thrown, report)
    return report


def _spoken(store: JobStore, member: int) -> Iterator[Any]:
    """All jobs that use a member's voice: parts too, and checks, which cut the sound of long ones."""
    last, theirs = "", (jobs.c.lane == "speech") | (jobs.c.kind == "check")
    while True:
        wanted = select(*_COLUMNS).where(theirs, jobs.c.id > last)
        with store.db.read() as connection:
            rows = connection.execute(wanted.order_by(jobs.c.id).limit(MANY)).all()
        yield from (row for row in rows if str(row.request.get("voice")) == str(member))
        if len(rows) < MANY:
            return
        last = rows[-1].id


def _holds_files(row: Row[Any]) -> bool:
    """Whether a finished job has files still, if only in the place that was promised."""
    done = any(isinstance(one, dict) and one.get("code") == GONE for one in row.warnings)
    return bool(row.artifacts or row.outputs) and not done


def _cancel(store: JobStore, row: Row[Any], report: Report) -> None:
    try:
        if store.cancel(row.id, row.tenant).state == "cancelled":
            report.cancelled += 1
        else:
            report.running.append(row.id)  # its worker is told, and stops within a second
    except Conflict:
        report.running.append(row.id)  # its bytes are being put in place
    except NotFound:
        return  # erased meanwhile


def _empty(store: JobStore, row: Row[Any], member: int) -> list[str]:
    """Take a finished job's files from its row, which stays and says why; the keys that go."""
    going = _places(row)
    told = {"code": GONE, "member": member}
    with store.writing() as tx:
        emptied = jobs.update().where(jobs.c.id == row.id, jobs.c.state == row.state)
        tx.connection.execute(emptied.values(artifacts=[], warnings=[*row.warnings, told]))
        erasing.throw_away(tx, going)
    return going


def _places(row: Row[Any]) -> list[str]:
    """Where all bytes of a finished job are."""
    outputs = row.outputs if row.state == "succeeded" else []
    return [f"t/{row.tenant}/jobs/{row.id}/", *outputs]


def _thrown(connection: Connection, which: ColumnElement[bool]) -> list[str]:
    """What is on the list of what is to be removed."""
    return list(connection.execute(select(trash.c.key).where(which)).scalars())


def _remove(store: JobStore, storage: Storage, keys: list[str], report: Report) -> None:
    """Remove what is in the trash now; what fails stays there for the purge, and is told."""
    for key in keys:
        try:
            if key.endswith("/"):
                storage.delete_prefix(key)
            else:
                storage.delete(key)
        except Exception as error:  # a lock, a right, a fault of the client's: the others go on
            log.warning("%s: not removed (%s); the purge tries again", key, error)
            report.failed.append(key)
            continue
        with store.writing() as tx:
            tx.connection.execute(delete(trash).where(trash.c.key == key))
        report.objects += 1
