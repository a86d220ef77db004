"""Sound that was made before: found by what would be heard, and kept for the next time."""

import contextlib
import json
import logging
from pathlib import Path

from speech import ledger, speech_cache
from speech.erasing import throw_away
from speech.errors import Conflict, NotFound, Unavailable
from speech.jobs import Artifact, Job, attempt_key
from speech.settings import Settings
from speech.speech_cache import TIMES, Kept
from speech.storage import Storage
from speech.store import JobStore
from worker.attempt import Made
from worker.lines import Timing

log = logging.getLogger(__name__)


class Sounds:
    """The cache of one worker's child; what goes wrong in it costs no job anything."""

    def __init__(self, store: JobStore, storage: Storage, settings: Settings) -> None:
        self._store, self._storage = store, storage
        self._on = settings.speech_cache_bytes > 0

    def find(self, tenant: str, key: str, formats: list[str]) -> Kept | None:
        """What was made before in all these formats."""
        if not self._on:
            return None
        with contextlib.suppress(Unavailable):
            with self._store.db.read() as connection:
                return speech_cache.find(connection, tenant, key, formats)
        return None

    def take(
        self, job: Job, key: str, kept: Kept, formats: list[str]
    ) -> dict[str, Artifact] | None:
        """The sound copied under the attempt's own names, by format; None when it has gone meanwhile."""
        made = {}
        try:
            for name in formats:
                one = kept.files[name]
                target = attempt_key(job, one.name)
                self._storage.copy(one.key, target, one.content_type, job.id, False)
                made[name] = Artifact(one.name, target, one.content_type, one.size, one.sha256)
        except NotFound:
            for one in made.values():  # what is made anew takes these names
                self._storage.delete(one.key)
            return None
        with contextlib.suppress(Unavailable), self._store.writing() as tx:
            speech_cache.note_use(tx, job.tenant, key)
        return made

    def times(self, kept: Kept) -> tuple[int, list[Timing]] | None:
        """Samples of the whole, and when each line is said; None when that has gone meanwhile."""
        try:
            told = json.loads(b"".join(self._storage.open(f"{kept.prefix}{TIMES}")))
        except NotFound:
            return None
        lines = (
            Timing(start, end, tuple(map(tuple, spans))) for start, end, spans in told["lines"]
        )
        return told["samples"], list(lines)

    def keep(self, job: Job, made: Made, artifacts: list[Artifact]) -> None:
        """Keep what a job has made, once it has succeeded."""
        if not self._on:
            return
        prefix = speech_cache.new_prefix(job.tenant)
        try:
            self._storage.put(f"{prefix}{TIMES}", made.times, "application/json", job.id)
            files = {name: self._copied(prefix, one, job) for name, one in _sound(artifacts, made)}
            with self._store.writing() as tx:
                if made.member in ledger.revoked(tx.connection):  # since the attempt began
                    throw_away(tx, [prefix])
                else:
                    speech_cache.keep(tx, job, made.key, made.member, Kept(prefix, files))
        except (Unavailable, Conflict, NotFound) as error:
            log.warning("job %s: its sound is not kept for the next time (%s)", job.id, error)

    def _copied(self, prefix: str, one: Artifact, job: Job) -> Artifact:
        key = f"{prefix}{one.name}"
        self._storage.copy(one.key, key, one.content_type, job.id, False)
        return Artifact(one.name, key, one.content_type, one.size, one.sha256)


def times_file(path: Path, samples: int, lines: list[Timing]) -> Path:
    """When the lines are said, as `Sounds.times` reads it."""
    told = [[one.start, one.end, one.letters] for one in lines]
    path.write_text(json.dumps({"samples": samples, "lines": told}, separators=(",", ":")), "utf-8")
    return path


def _sound(artifacts: list[Artifact], made: Made) -> list[tuple[str, Artifact]]:
    by_name = {one.name: one for one in artifacts}
    return [(name, by_name[f"speech.{name}"]) for name in made.formats]
