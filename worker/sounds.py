"""A job's input as decoded samples: one track, mixed, one channel of it, or each channel by itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.media import RATE, Choice, Decoded, MediaLimits, decode
from speech.wav import copied
from worker.attempt import Attempt
from worker.opening import Opening

CHANNELS = {"mix": None, "left": 0, "right": 1, "each": 0}
NAMES = ("left", "right")  # of a stereo recording's channels; others are numbered
MOST = 8  # channels that are heard one by one


@dataclass(frozen=True)
class Sound:
    """What is to be heard; `speaker` is the channel's name where each is heard by itself."""

    decoded: Decoded
    speaker: str | None = None


def read(attempt: Attempt, source: Path, opening: Opening) -> list[Sound]:
    """The sounds that the job's request chooses; the input itself is removed, so that disk holds one of them.

    A part is what we have decoded and cut ourselves. `opening` is shown the samples as they come, unless channels
    are heard one by one.
    Raises what speech.media.decode raises.
    """
    attempt.progress(0.0, "reading")
    request = attempt.job.request
    track, channel = int(request.get("track", 0)), request.get("channel", "mix")
    limits = MediaLimits.from_settings(attempt.settings)

    def decoded(number: int | None) -> Decoded:
        target = attempt.workdir / f"samples-{number or 0}"
        if attempt.job.kind == "part" and (count := copied(source, target, RATE)):
            return Decoded(
                target, count, "wav", "pcm_s16le", RATE, channels=1, tracks=1, memory_bytes=0
            )

        def check() -> None:
            attempt.check()
            if channel != "each":
                opening.look(target)

        return decode(source, target, limits, check, _param(request), Choice(track, number))

    first = decoded(CHANNELS[channel])
    sounds = [Sound(first)]
    if channel == "each" and first.channels > 1:
        count = min(first.channels, MOST)
        others = [Sound(decoded(n), _name(n, count)) for n in range(1, count)]
        sounds = [Sound(first, _name(0, count)), *others]
    source.unlink(missing_ok=True)
    attempt.progress(0.0, "decoding")
    return sounds


def _param(request: dict[str, Any]) -> str:
    """The field by which the recording came, for errors."""
    return next((name for name in ("url", "input") if name in request), "file")


def _name(number: int, count: int) -> str:
    return NAMES[number] if count == 2 else f"channel {number + 1}"
