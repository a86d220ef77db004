"""Objects in storage that no row knows: left by attempts and uploads whose process was killed."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select

from speech import speech_cache, uploads
from speech.schema import jobs, trash
from speech.storage import Storage

MANY = 500  # objects judged at once
_JOBS = re.compile(r"t/([^/]+)/jobs/([^/]+)/(\d+)/.")
_SPEECH = re.compile(r"(t/([^/]+)/speech_cache/([^/]+)/).")
_INPUTS = re.compile(r"t/([^/]+)/inputs/([^/]+)\Z")


@dataclass(frozen=True)
class Found:
    """An object in a place of ours; `attempt` is None for an input, `folder` is that of an entry of the cache."""

    key: str
    tenant: str
    name: str  # the job's id, or the input's
    attempt: int | None
    folder: str = ""


def listed(storage: Storage, before: float) -> Iterator[list[Found]]:
    """What lies in our own places and was written before `before` (seconds since 1970), in bunches."""
    old = (key for key, written in storage.keys("t/") if written < before)
    ours = (found for found in map(_parse, old) if found is not None)
    while bunch := list(itertools.islice(ours, MANY)):
        yield bunch


def _parse(key: str) -> Found | None:
    if match := _JOBS.match(key):
        return Found(key, match[1], match[2], int(match[3]))
    if match := _INPUTS.match(key):
        return Found(key, match[1], match[2], None)
    if match := _SPEECH.match(key):
        return Found(key, match[2], match[3], None, match[1])
    return None  # not a place where attempts and uploads write


def unknown(connection: Connection, bunch: list[Found], before: float) -> list[str]:
    """The keys of a bunch that no row needs.

    Of a job that ended before `before` only the winner's objects are needed, and those only until retention
    has taken them; of one that lives, all.
    """
    inputs = [found.key for found in bunch if found.attempt is None and not found.folder]
    kept = set(
        connection.execute(select(jobs.c.input_key).where(jobs.c.input_key.in_(inputs))).scalars()
    )
    kept |= uploads.stored(connection, inputs)
    folders = speech_cache.known(connection, {found.folder for found in bunch if found.folder})
    kept |= {found.key for found in bunch if found.folder in folders}
    ids = {found.name for found in bunch if found.attempt is not None}
    some = select(jobs.c.id, jobs.c.tenant, jobs.c.finished, jobs.c.winner, jobs.c.artifacts)
    rows = {row.id: row for row in connection.execute(some.where(jobs.c.id.in_(ids)))}
    lost = [
        found.key
        for found in bunch
        if (found.key not in kept if found.attempt is None else _lost(found, rows, before))
    ]
    going = set(connection.execute(select(trash.c.key).where(trash.c.key.in_(lost))).scalars())
    return [key for key in lost if key not in going]


def _lost(found: Found, rows: dict[str, Row], before: float) -> bool:
    row = rows.get(found.name)
    if row is None or row.tenant != found.tenant:
        return True
    if row.finished is None or row.finished >= before:
        return False
    return found.attempt != row.winner or not row.artifacts
