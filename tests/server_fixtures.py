"""A server for tests: the real store, files and bells, and a thread that plays the worker through the store."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flask import Flask

from server.app import create_app
from speech.database import Database
from speech.errors import SpeechError
from speech.filesystem import FileStorage
from speech.jobs import LANES, Artifact, Job
from speech.queue import Bells
from speech.settings import Settings
from speech.store import JobStore
from speech.subtitles import to_json
from speech.transcript import Segment, Transcript, Word
from tests.recorded_bells import RecordedBells

TYPES = {
    "wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac",
    "flac": "audio/flac", "pcm": "audio/pcm", "srt": "application/x-subrip", "vtt": "text/vtt",
    "json": "application/json",
}  # fmt: skip
HEARD = Transcript(
    text="안녕하세요. 반갑습니다.",
    language="ko",
    language_probability=0.98,
    duration=3.5,
    segments=(
        Segment(0, 0.0, 1.5, "안녕하세요.", words=(Word(" 안녕하세요.", 0.0, 1.5, 0.9),)),
        Segment(1, 1.5, 3.5, "반갑습니다.", words=(Word(" 반갑습니다.", 1.5, 3.5, 0.8),)),
    ),
)
PREVIEWED = {
    "normalized": "세 개.",
    "reading": "세 개.",
    "changes": [{"start": 0, "end": 2, "from": "3개", "to": "세 개", "rule": "count"}],
    "unknown": [],
    "seconds": 0.8,
    "cached": False,
}


@dataclass
class Served:
    """An app, its parts, and the jobs that the playing worker has claimed, in order."""

    app: Flask
    store: JobStore
    storage: FileStorage
    settings: Settings
    claimed: list[Job] = field(default_factory=list)
    # Called with a claimed job before it is done; may raise the error that the job fails with.
    before: Callable[[Job], None] = lambda job: None

    def work(self, lane: str) -> bool:
        """Claim one job of a lane and do it; False when there is none."""
        job = self.store.claim(lane, "test/boot/child")
        if job is None:
            return False
        self.claimed.append(job)
        try:
            self.before(job)
        except SpeechError as error:
            self.store.fail(job, error)
            return True
        made = [self._keep(job, name, *what) for name, what in files_of(job).items()]
        result = PREVIEWED if job.kind == "preview" else {"text": HEARD.text}
        result |= {"voice_version": "of-the-worker"} if job.kind == "speech" else {}
        done = self.store.commit(job, made, result, {"audio_seconds": 3.5})
        if done.state == "running":
            by_name = {one.name: one for one in made}
            for key, name in zip(job.outputs, job.promised, strict=True):
                one = by_name[name]
                self.storage.copy(one.key, key, one.content_type, job.id, job.overwrite)
            self.store.complete(done)
        return True

    def _keep(self, job: Job, name: str, data: bytes, content_type: str) -> Artifact:
        key = f"t/{job.tenant}/jobs/{job.id}/{job.attempt}/{name}"
        self.storage.put(key, data, content_type, job.id)
        return Artifact(name, key, content_type, len(data), "0" * 64)


def files_of(job: Job) -> dict[str, tuple[bytes, str]]:
    """What the playing worker makes of a job: name to bytes and type."""
    if job.lane == "speech":
        formats = job.request["formats"]
        return {f"speech.{one}": (sound(job, one), TYPES[one]) for one in formats}
    import json

    task = "translate" if job.kind == "translation" else "transcribe"
    told = json.dumps(to_json(replace(HEARD, task=task)), ensure_ascii=False).encode()
    return {"transcript.json": (told, "application/json")}


def sound(job: Job, name: str) -> bytes:
    """The bytes that stand for a spoken text."""
    return f"{name}:{job.request['voice']}:{job.request['speed']}:{job.request['input']}".encode()


@contextmanager
def working(served: Served) -> Iterator[Served]:
    """The worker plays for the length of a block."""
    stop = threading.Event()

    def play() -> None:
        while not stop.is_set():
            if not any([served.work(lane) for lane in LANES]):
                stop.wait(0.005)

    thread = threading.Thread(target=play, name="playing worker")
    thread.start()
    try:
        yield served
    finally:
        stop.set()
        thread.join(10)


def serve(database: str, folder: Path, bells: Bells | None = None, **given: Any) -> Served:
    """An app over a migrated database and a folder."""
    settings = Settings(
        data_dir=str(folder), database_url=database, storage_url=f"file://{folder}/artifacts",
        public_url="http://127.0.0.1:8000", secret="for tests only", **given,
    )  # fmt: skip
    bells = bells or RecordedBells()
    store = JobStore(Database(database, durable=False), bells)
    storage = FileStorage.from_settings(settings)
    app = create_app(settings, store, bells, storage)
    app.testing = False
    return Served(app, store, storage, settings)
