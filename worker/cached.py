"""What is heard of a job's text, as a key; and the job done from what was made before under that key."""

import hashlib
import json
from dataclasses import astuple
from typing import Any

from speech.encode import FORMATS, NO_TAGS
from speech.jobs import Artifact
from worker.attempt import Attempt, Made
from worker.lines import Line, Timing, caption
from worker.pauses import Pauses
from worker.recording import CAPTIONS, Finish, Recording, asked_formats
from worker.sound_cache import times_file
from worker.speaker import Request

VERSION = 1  # to be raised when the same request sounds different


def key_of(
    lines: list[Line], request: Request, finish: Finish, pauses: Pauses, streamed: bool
) -> str:
    """SHA-256, hex, of all that is audible: two texts that read the same have the same.

    Spaces are no sound: 세 개 and 세개 are said alike. Of a stream the first sentence sets the loudness.
    """
    said = [("".join(line.reading.reading.split()), line.before) for line in lines if line.ids]
    tagged = finish.tags != NO_TAGS  # those of a part are not
    options = [request.speed, request.seed, finish.rate, finish.loudness, tagged, streamed]
    told: list[Any] = [VERSION, request.voice.version, said, options, astuple(pauses)]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def sound_formats(attempt: Attempt) -> list[str]:
    """The formats of sound that a job asks for."""
    return [name for name in asked_formats(attempt.job.request) if name in FORMATS]


def is_cached(attempt: Attempt, key: str) -> bool:
    """Whether the sound that a preview asks about is there."""
    name, sounds = attempt.job.request.get("response_format") or "wav", attempt.sounds
    return sounds is not None and sounds.find(attempt.job.tenant, key, [name]) is not None


def from_cache(
    attempt: Attempt, key: str, lines: list[Line], request: Request
) -> tuple[Recording, dict[str, Artifact]] | None:
    """A recording of the captions and, by format, the sound that was made before; None when there is none."""
    formats, sounds = sound_formats(attempt), attempt.sounds
    if sounds is None or attempt.job.request.get("no_cache"):
        return None
    kept = sounds.find(attempt.job.tenant, key, formats)
    times = kept and sounds.times(kept)
    made = kept and times and sounds.take(attempt.job, key, kept, formats)
    if not times or not made:
        return None
    captions = [name for name in asked_formats(attempt.job.request) if name in CAPTIONS]
    recording = Recording(attempt.workdir, captions, request.voice.rate)
    recording.pass_over(times[0])
    spoken = [line for line in lines if line.ids]
    for number, (line, timing) in enumerate(zip(spoken, times[1], strict=True)):
        recording.caption(caption(line, number, timing, request.voice.rate))
    return recording, made


def to_cache(
    attempt: Attempt, key: str, request: Request, samples: int, timings: list[Timing]
) -> Made | None:
    """What is to be kept of a job's sound."""
    if attempt.sounds is None:
        return None
    times = times_file(attempt.workdir / "times.json", samples, timings)
    return Made(key, request.voice.member, sound_formats(attempt), times)
