"""A Runner over a real store and folder whose handlers a test writes, all in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from speech.filesystem import FileStorage
from speech.jobs import Job, NewJob
from speech.settings import Settings
from speech.store import JobStore
from worker.attempt import Attempt, Done, NewArtifact, Split
from worker.registry import HANDLERS
from worker.run import Runner

HOLDER = "host/boot/speech-1"


class Bench:
    """What a test of the runner needs, in one place."""

    def __init__(self, store: JobStore, folder: Path, **settings: object) -> None:
        self.settings = Settings(data_dir=str(folder), **settings)  # type: ignore[arg-type]
        self.store = store
        self.storage = FileStorage.from_settings(self.settings)
        self.runner = Runner(store, self.storage, self.settings, {}, HOLDER)

    def add(self, lane: str = "speech", **fields: object) -> Job:
        """A queued job."""
        new = NewJob("speech", lane, {"input": "안녕"}, **fields)  # type: ignore[arg-type]
        return self.store.create(new)[0]

    def run(self, handler: Callable[[Attempt], Done | Split], lane: str = "speech") -> bool:
        """One bell, answered with this handler."""
        with handling(handler, lane):
            return self.runner.run_next(lane)

    def get(self, job: Job) -> Job:
        """The job as it is now."""
        return self.store.get(job.id, "default")

    def stored(self, job: Job) -> list[str]:
        """Names of all objects of a job, `attempt/name`."""
        top = self.storage.root / "t" / "default" / "jobs" / job.id
        return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())


@contextmanager
def handling(handler: Callable[[Attempt], Done | Split], lane: str) -> Iterator[None]:
    """Let a lane's jobs be run by `handler`."""
    before = HANDLERS[lane]
    HANDLERS[lane] = handler  # type: ignore[index]
    try:
        yield
    finally:
        HANDLERS[lane] = before  # type: ignore[index]


def done(attempt: Attempt, text: str = "bytes") -> Done:
    """A finished attempt with one artifact."""
    path = attempt.workdir / "speech.wav"
    path.write_text(text)
    return Done([NewArtifact("speech.wav", path, "audio/wav")], {"text": text})
