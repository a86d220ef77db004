"""One claim, one attempt, one commit: `Runner.run_next(lane)` is what every bell leads to."""

import errno
import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from speech import ledger, notices, reuse
from speech.errors import (
    Cancelled,
    Internal,
    LeaseLost,
    NotFound,
    SpeechError,
    StorageUnavailable,
    Unavailable,
)
from speech.jobs import Artifact, Job, attempt_key, job_prefix
from speech.settings import Settings
from speech.storage import Storage
from speech.store import JobStore
from speech.sweeper import due
from speech.voices import Voice
from worker import batches
from worker.attempt import Attempt, Done, NewArtifact, Split
from worker.lease import Lease
from worker.lexicons import Lexicons
from worker.progress import Progress
from worker.registry import HANDLERS
from worker.sound_cache import Sounds
from worker.staging import Staging

log = logging.getLogger(__name__)
T = TypeVar("T")

PREFER_BATCH_EVERY = 10  # claims
FULL = {errno.ENOSPC, errno.EDQUOT}  # the work folder's disk, not the job, is at fault


class Runner:
    """Holds what an attempt needs; one in each child."""

    def __init__(
        self,
        store: JobStore,
        storage: Storage,
        settings: Settings,
        models: dict[str, Any],
        holder: str,
    ) -> None:
        self.store = store
        self.storage = storage
        self.settings = settings
        self.models = models
        self.holder = holder
        self.staging = Staging(store, storage, settings)
        self.lexicons = Lexicons(store)
        self.sounds = Sounds(store, storage, settings)
        self.response_ms: float | None = None  # of the last attempt
        self._claims = 0
        self._storage_failed = False
        self._unsure = False  # a claim was sent and its answer lost

    def run_next(self, lane: str) -> bool:
        """Claim the row of `lane` whose turn it is and see it through; False when there was nothing to do."""
        self._settle()
        if not self._storage_answers():
            return False
        try:
            notices.tell_all(self.store, self.storage, lane)
        except StorageUnavailable:
            self._storage_failed = True
            return False
        if not self._anything(lane):
            return False
        workdir = _new_folder()
        if workdir is None:
            return False
        try:
            job = self._claim(lane)
            if job is None:
                return False
            began = time.monotonic()
            self._attempt(job, workdir)
        finally:
            shutil.rmtree(workdir, ignore_errors=True)
        self.response_ms = (time.monotonic() - began) * 1000
        log.info("job %s: attempt %d took %.0f ms", job.id, job.attempt, self.response_ms)
        return True

    def _settle(self) -> None:
        """Give back a row that was claimed although the store's answer was lost: it has cost no attempt."""
        if self._unsure:
            self.store.release(self.holder, "ours")
            self._unsure = False

    def _claim(self, lane: str) -> Job | None:
        self._claims += 1
        try:
            return self.store.claim(lane, self.holder, self._claims % PREFER_BATCH_EVERY == 0)
        except Unavailable:
            self._unsure = True
            raise

    def _anything(self, lane: str) -> bool:
        with self.store.db.read() as connection:
            return due(connection, lane, self.store.db.now(connection), 1) > 0

    def _storage_answers(self) -> bool:
        """After a storage failure nothing is claimed until a probe succeeds."""
        if self._storage_failed:
            try:
                self.storage.probe()
            except StorageUnavailable:
                return False
            self._storage_failed = False
        return True

    def _attempt(self, job: Job, workdir: Path) -> None:
        """Every end of an attempt is told to the store; what cannot be told is for the sweeper."""
        try:
            progress = Progress(self.store, job)
            with Lease(self.store, job, self.settings, progress.beat) as lease:
                self._see_through(job, lease, progress, workdir)
        except LeaseLost:
            log.warning("job %s: attempt %d no longer stands; nothing written", job.id, job.attempt)
        self._clear_losers(job)

    def _see_through(self, job: Job, lease: Lease, progress: Progress, workdir: Path) -> None:
        try:
            self._work(job, lease, progress, workdir)
        except LeaseLost:
            raise
        except Exception as error:
            lease.end()
            self._tell_why(job, error)

    def _tell_why(self, job: Job, error: Exception) -> None:
        """The attempt has no result; what that means for the job."""
        if isinstance(error, OSError) and error.errno in FULL:
            error = Unavailable("disk_full")
        match error:
            case Cancelled():
                self._persist(lambda: self.store.cancelled(job))
            case Unavailable() as outage:
                self._storage_failed = isinstance(outage, StorageUnavailable)
                self._persist(lambda: self.store.defer(job, outage))
            case SpeechError() as refused:
                self._persist(lambda: self.store.fail(job, refused))
            case _:
                self._broke(job)

    def _broke(self, job: Job) -> None:
        """Not known to be anyone's fault: it counts as a crash, and the third one ends the job."""
        log.exception("job %s: attempt %d broke", job.id, job.attempt)
        self._persist(lambda: self.store.release(self.holder, "crash"))

    def _work(self, job: Job, lease: Lease, progress: Progress, workdir: Path) -> None:
        if job.phase == "copy":
            self._copy_out(job, lease)
            return
        attempt = Attempt(
            job=job,
            settings=self.settings,
            storage=self.storage,
            models=self.models,
            workdir=workdir,
            fetch_input=lambda: self.staging.take(job, workdir, lease.check),
            parts=lambda: self.store.children(job.id),
            on_progress=progress.set,
            on_piece=progress.add,
            on_news=progress.flush,
            lexicon=lambda member: self.lexicons.of(job.tenant, member),
            entries=lambda: self.lexicons.entries(job.tenant),
            on_store=lambda name, path, kind: self._put(job, NewArtifact(name, path, kind)).key,
            stopping=lease.stopping.is_set,
            refuse_revoked=self._refuse_revoked,
            sounds=self.sounds,
            find_same=lambda key: reuse.find(self.store, job.tenant, key),
        )
        self.staging.look_ahead(job.lane)
        began = time.process_time()
        outcome = self._handle(attempt)
        attempt.check()
        if isinstance(outcome, Split):
            lease.end()
            self._persist(lambda: self.store.split(job, outcome.parts))
        else:
            self._commit(job, lease, outcome, progress.rest(), time.process_time() - began)

    def _refuse_revoked(self, voice: Voice) -> None:
        with self.store.db.read() as connection:
            ledger.refuse_revoked(connection, voice)

    def _handle(self, attempt: Attempt) -> Done | Split:
        if attempt.job.kind == "batch":
            return batches.index(attempt, self.store)
        return HANDLERS[attempt.job.lane](attempt)

    def _commit(
        self, job: Job, lease: Lease, done: Done, pieces: list[tuple[int, Any]], compute: float
    ) -> None:
        artifacts = [
            one if isinstance(one, Artifact) else self._put(job, one) for one in done.artifacts
        ]
        if not job.outputs:
            lease.end()
        usage = {**done.usage, "compute_seconds": round(compute, 3)}
        after = self._persist(
            lambda: self.store.commit(job, artifacts, done.result, usage, done.warnings, pieces)
        )
        if done.reuse is not None:
            key = done.reuse
            self._persist(lambda: reuse.remember(self.store, job, key))
        if after.state == "running":
            self._copy_out(after, lease)
        if done.made is not None:
            self.sounds.keep(job, done.made, artifacts)
        if self.settings.self_check and job.kind == "speech":
            self._persist(lambda: self.store.add_check(job))

    def _put(self, job: Job, new: NewArtifact) -> Artifact:
        key = attempt_key(job, new.name)
        with new.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.storage.put(key, new.path, new.content_type, owner=job.id)
        return Artifact(new.name, key, new.content_type, new.path.stat().st_size, digest)

    def _copy_out(self, job: Job, lease: Lease) -> None:
        """Copy the winner's bytes to the names that were promised, then succeed; safe to repeat."""
        by_name = {artifact.name: artifact for artifact in job.artifacts}
        for output, name in zip(job.outputs, job.promised, strict=True):
            made = by_name.get(name)
            if made is None:
                raise Internal("internal")
            self.storage.copy(made.key, output, made.content_type, job.id, job.overwrite)
        lease.end()
        notices.forget(self.storage, job)
        self._persist(lambda: self.store.complete(job))

    def _persist(self, tell: Callable[[], T]) -> T:
        """Tell the store, through an outage of it: the work is done and must not be lost to a restart."""
        give_up = time.monotonic() + self.settings.attempt_timeout
        pause = 0.2
        while True:
            try:
                return tell()
            except Unavailable:
                if time.monotonic() > give_up:
                    raise LeaseLost from None
                time.sleep(pause)
                pause = min(5.0, pause * 2)

    def _clear_losers(self, job: Job) -> None:
        """Remove what attempts have stored whose bytes can no longer count.

        By the row, not by how this attempt ended: it may have won although the store's answer was lost.
        """
        try:
            now = self.store.get(job.id, job.tenant)
        except NotFound:
            last, winner = job.attempt, None  # erased
        except Unavailable:
            return  # what stays goes when the job is erased
        else:
            last = now.attempt if now.final else now.attempt - 1
            winner = now.winner
            if now.phase in ("wait", "join") and not now.final:
                return  # its parts read what an earlier attempt stored
        for attempt in range(1, last + 1):
            if attempt != winner:
                self._clear(job, attempt)

    def _clear(self, job: Job, attempt: int) -> None:
        try:
            self.storage.delete_prefix(f"{job_prefix(job)}{attempt}/")
        except StorageUnavailable:
            log.warning("job %s: leftovers of attempt %d stay behind", job.id, attempt)


def _new_folder() -> Path | None:
    """A work folder, made before the claim: a full disk of this worker is not the job's fault."""
    try:
        return Path(tempfile.mkdtemp(prefix="moksori-"))
    except OSError:
        log.exception("no work folder can be made; nothing is claimed")
        return None
