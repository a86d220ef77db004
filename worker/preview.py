"""A preview: what would be said, and how long it would take, without a sound."""

from collections.abc import Iterable

from worker.attempt import Attempt, Done
from worker.lines import Line
from worker.speaker import Request, Speaker
from worker.told import Told


def preview(
    attempt: Attempt, speaker: Speaker, request: Request, lines: list[Line], cached: bool
) -> Done:
    """The lines' readings, their changes, and the seconds that the voice would take; `cached`: it need not."""
    result = {
        "normalized": _joined(line.reading.normalized for line in lines),
        "reading": _joined(line.reading.reading for line in lines),
        **Told(lines).to_json(),
        "seconds": round(speaker.predict(lines, request), 3),
        "cached": cached,
    }
    return Done([], result, {"characters": float(len(attempt.job.request["input"]))})


def _joined(texts: Iterable[str]) -> str:
    return " ".join(filter(None, map(str.strip, texts)))
