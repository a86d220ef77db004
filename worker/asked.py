"""What a speech job asks for, checked again: not every job came through our server."""

from typing import Any

from speech.encode import Tags
from speech.errors import InvalidRequest
from speech.jobs import Job
from speech.korean.reader import OnUnknown
from speech.settings import Settings
from speech.sound_types import OPUS_RATE, RATES
from speech.voices import Voice
from worker.recording import Finish, asked_formats
from worker.speaker import Request, Speaker

SPEEDS = (0.25, 4.0)
LARGEST_SEED = 2**32 - 1
ON_UNKNOWN = ("reject", "spell", "drop")
LONGEST_TITLE = 80  # characters


def read_request(asked: dict[str, Any], speaker: Speaker) -> Request:
    """How the text of a request is to be spoken. Raises InvalidRequest, and NotFound("unknown_voice")."""
    if not isinstance(asked.get("input"), str) or not asked["input"].strip():
        raise InvalidRequest("nothing_to_speak", param="input")
    speed = asked.get("speed") or 1.0
    if isinstance(speed, bool) or not isinstance(speed, int | float):
        raise InvalidRequest("speed_out_of_range", param="speed")
    if not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise InvalidRequest("speed_out_of_range", param="speed")
    on_unknown: OnUnknown = asked.get("on_unknown") or "spell"
    if on_unknown not in ON_UNKNOWN:
        raise InvalidRequest("unknown_on_unknown", param="on_unknown", given=str(on_unknown)[:40])
    seed = asked.get("seed")
    if seed is not None and (type(seed) is not int or not 0 <= seed <= LARGEST_SEED):
        raise InvalidRequest("out_of_range", param="seed", allowed=f"0 - {LARGEST_SEED}")
    return Request(speaker.voices.find(asked.get("voice")), float(speed), on_unknown, seed)


def read_finish(job: Job, voice: Voice, settings: Settings) -> Finish:
    """How the files are to be. A part's sound stays as the voice made it: the whole is brought to its loudness.

    Raises InvalidRequest("not_one_of"), ("opus_rate").
    """
    if job.kind == "part":
        return Finish()
    rate = job.request.get("sample_rate")
    if rate is not None and rate not in RATES:
        raise InvalidRequest("not_one_of", param="sample_rate", allowed=", ".join(map(str, RATES)))
    if rate not in (None, OPUS_RATE) and "opus" in asked_formats(job.request):
        raise InvalidRequest("opus_rate", param="sample_rate")
    title = _title(job.request["input"])
    tags = Tags(title, voice.name, voice.licence, f"voice {voice.slug}, version {voice.version}")
    return Finish(rate, settings.speech_loudness or None, tags)


def is_streamed(job: Job) -> bool:
    """Whether somebody listens while the job runs."""
    return bool(job.request.get("stream_format"))


def _title(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"
