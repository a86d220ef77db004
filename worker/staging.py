"""Inputs of jobs, fetched when they are claimed, and a few of them before that."""

import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from sqlalchemy import select

from speech.errors import Internal, SpeechError, Unavailable
from speech.jobs import Job
from speech.rows import to_job
from speech.schema import jobs
from speech.settings import Settings
from speech.storage import Storage
from speech.store import JobStore

log = logging.getLogger(__name__)


class Staging:
    """Fetches inputs; up to `concurrent_downloads` - 1 coming rows' inputs are fetched ahead by threads."""

    def __init__(self, store: JobStore, storage: Storage, settings: Settings) -> None:
        self._store = store
        self._storage = storage
        self._settings = settings
        self._ahead = max(0, settings.concurrent_downloads - 1)
        self._folder: Path | None = None
        self._pool = ThreadPoolExecutor(max(1, self._ahead), thread_name_prefix="staging")
        self._lock = threading.Lock()
        self._coming: dict[str, Future[Path]] = {}

    def take(self, job: Job, workdir: Path, check: Callable[[], None] = lambda: None) -> Path:
        """The job's input as a file in `workdir`, staged already or fetched now; `check` may end the wait."""
        if job.input is None:
            raise Internal("internal")
        target = workdir / "input"
        with self._lock:
            coming = self._coming.pop(job.id, None)
        if coming is not None:
            try:
                return _await(coming, check).rename(target)
            except (SpeechError, OSError):
                log.info("job %s: staging failed; fetching again", job.id)
        self._get(job, target, check)
        return target

    def look_ahead(self, lane: str) -> None:
        """Start fetching what the next rows of a lane will need; never fails."""
        if not self._ahead or lane != "transcription":
            return
        try:
            coming = self._next_rows(lane)
        except Unavailable:
            return
        with self._lock:
            self._forget_all_but({job.id for job in coming})
            for job in coming:
                if job.id not in self._coming and len(self._coming) < self._ahead:
                    self._coming[job.id] = self._pool.submit(self._stage, job)

    def _next_rows(self, lane: str) -> list[Job]:
        with self._store.db.read() as connection:
            rows = connection.execute(
                select(jobs)
                .where(jobs.c.claimable, jobs.c.lane == lane, jobs.c.input.is_not(None))
                .where(jobs.c.phase == "work")
                .order_by(jobs.c.priority.desc(), jobs.c.created, jobs.c.part)
                .limit(self._ahead)
            )
            return [to_job(row) for row in rows]

    def _forget_all_but(self, wanted: set[str]) -> None:
        for job_id in [one for one in self._coming if one not in wanted]:
            gone = self._coming.pop(job_id)
            gone.cancel()
            gone.add_done_callback(_remove)

    def _stage(self, job: Job) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="moksori-staged-"))
        path = self._folder / job.id
        try:
            self._get(job, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def _get(self, job: Job, target: Path, check: Callable[[], None] = lambda: None) -> None:
        assert job.input is not None
        if "key" in job.input:
            self._storage.fetch(job.input["key"], target)
        else:
            from worker.fetch import fetch  # only lanes with inputs need it

            fetch(job.input["url"], target, self._settings, check)

    def close(self) -> None:
        """Stop fetching and remove what was staged."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _await(coming: Future[Path], check: Callable[[], None]) -> Path:
    while not coming.done():
        check()
        wait([coming], timeout=0.2)
    return coming.result()


def _remove(done: Future[Path]) -> None:
    if not done.cancelled() and done.exception() is None:
        done.result().unlink(missing_ok=True)
