"""Whether a recording was heard before, in the same way: its bytes, the options and the engine make one key."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from speech.errors import NotFound
from speech.jobs import Job
from speech.subtitles import from_json
from speech.transcript import Transcript
from worker.attempt import Attempt
from worker.engines import TranscribeOptions, Transcriber

FORM = 1  # raised when the same engine and options come to make another transcript


def keys_of(
    source: Path, job: Job, options: TranscribeOptions, engine: Transcriber, names: list[Any]
) -> tuple[str, str]:
    """SHA-256 of all that a transcript depends on, hex: with the names that are written into it, and without."""
    with source.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    chosen = [job.request.get("track", 0), job.request.get("channel", "mix")]
    told = [FORM, content, chosen, asdict(options), engine.describe()]
    return _key([*told, names] if names else told), _key(told)


def _key(told: list[Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def heard_before(attempt: Attempt, key: str) -> tuple[Job, Transcript] | None:
    """The tenant's job with this key and its transcript, if both are still there and the request allows it."""
    if attempt.job.request.get("cache") is False:
        return None
    job = attempt.find_same(key)
    made = [one for one in job.artifacts if one.name == "transcript.json"] if job else []
    if job is None or not made:
        return None
    try:
        data = b"".join(attempt.storage.open(made[0].key))
    except NotFound:
        return None
    return job, from_json(json.loads(data))
