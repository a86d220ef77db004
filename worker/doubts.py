"""Nothing invented: what in a transcript is worth a second look. A flag is all that follows; no text is removed."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from speech.coverage import Stretch
from speech.transcript import Segment
from worker.engines import TranscribeOptions

REPEATS = 2.4  # a segment's text compresses better than this; OpenAI's threshold for a loop
OVER_SPEECH = 0.2  # less of a segment than this is over speech
SAME = 3  # segments in a row with the same words
_LOOP = re.compile(r"(.{2,30}?)\1{4,}")  # the same again, five times in a row
_ROOM = 0.4  # seconds by which times may be off


def flagged(
    segments: Iterable[Segment], speech: Sequence[Stretch], options: TranscribeOptions
) -> Iterator[Segment]:
    """The segments, each with its flags: `loop`, `over_silence`, `known_phrase`, `unsure` (and `recovered`).

    `speech` is where somebody speaks, in seconds.
    """
    last: list[str] = []
    for segment in segments:
        text = _letters(segment.text)
        last = [*last[1 - SAME :], text]
        found = {
            "loop": _loops(segment, text) or (bool(text) and last.count(text) == SAME),
            "over_silence": _spoken(segment, speech) < OVER_SPEECH,
            "known_phrase": text in _invented(),
            "unsure": _probability(segment) < options.confidence_threshold,
        }
        yield replace(
            segment, flags=(*segment.flags, *(flag for flag, true in found.items() if true))
        )


def _loops(segment: Segment, text: str) -> bool:
    return segment.compression_ratio > REPEATS or bool(_LOOP.search(text))


def _spoken(segment: Segment, speech: Sequence[Stretch]) -> float:
    """The part of a segment that is over speech."""
    length = segment.end - segment.start
    over = sum(
        max(0.0, min(segment.end, end + _ROOM) - max(segment.start, start - _ROOM))
        for start, end in speech
    )
    return over / length if length > 0 else 1.0


def _probability(segment: Segment) -> float:
    """The mean of the words' probabilities; 1 where the engine tells none."""
    told = [word.probability for word in segment.words]
    return sum(told) / len(told) if told else 1.0


@cache
def _invented() -> frozenset[str]:
    """What Whisper is known to say where nobody speaks, in any language; see the file for who found it."""
    told = json.loads(Path(__file__).with_name("invented.json").read_text("utf-8"))
    return frozenset(_letters(one["text"]) for one in told["phrases"])


def _letters(text: str) -> str:
    """Letters only, in lower case: a year or a full stop makes no other phrase."""
    return "".join(character for character in text.lower() if character.isalpha())
