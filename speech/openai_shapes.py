"""A transcript in the five shapes that OpenAI's transcription route answers with."""

import json
import math
from collections.abc import Callable, Collection
from typing import Any

from speech.cue_rules import CueRules
from speech.languages import language_name
from speech.subtitles import CONTENT_TYPES, WRITERS
from speech.transcript import Segment, Transcript
from speech.words import words_of

Write = Callable[[Transcript, Collection[str], CueRules | None], str]


def brief(transcript: Transcript) -> dict[str, Any]:
    """`json`: the text and what it cost."""
    return {"text": transcript.text, "usage": _usage(transcript)}


def verbose(
    transcript: Transcript, granularities: Collection[str] = ("segment",)
) -> dict[str, Any]:
    """`verbose_json`: with "segment" and "word" times as `granularities` asks."""
    translated = transcript.task == "translate"  # its text is English, whatever was spoken
    shape: dict[str, Any] = {
        "task": transcript.task,
        "language": "english" if translated else language_name(transcript.language),
        "duration": float(transcript.duration),
        "text": transcript.text,
    }
    if "segment" in granularities:
        shape["segments"] = [_segment(segment) for segment in transcript.segments]
    if "word" in granularities:
        shape["words"] = [
            {"word": word.word.strip(), "start": float(word.start), "end": float(word.end)}
            for word in words_of(transcript)
        ]
    return shape | {"usage": _usage(transcript)}


def _json(transcript: Transcript, _: Collection[str], __: CueRules | None) -> str:
    return json.dumps(brief(transcript), ensure_ascii=False, allow_nan=False)


def _verbose_json(
    transcript: Transcript, granularities: Collection[str], _: CueRules | None
) -> str:
    return json.dumps(verbose(transcript, granularities), ensure_ascii=False, allow_nan=False)


def _file(name: str) -> tuple[Write, str]:
    """A format that is answered as the artifact of that name, byte for byte."""
    return lambda transcript, _, rules: WRITERS[name](transcript, rules), CONTENT_TYPES[name]


# response_format -> what makes the body, and its type
RESPONSES: dict[str, tuple[Write, str]] = {
    "json": (_json, CONTENT_TYPES["json"]),
    "text": _file("txt"),
    "srt": _file("srt"),
    "verbose_json": (_verbose_json, CONTENT_TYPES["json"]),
    "vtt": _file("vtt"),
}


def render(
    transcript: Transcript,
    response_format: str,
    granularities: Collection[str] = ("segment",),
    rules: CueRules | None = None,
) -> tuple[str, str]:
    """The body and its content type; `rules` are for cues, by default the language's own.

    Raises KeyError for a format that RESPONSES lacks.
    """
    write, content_type = RESPONSES[response_format]
    return write(transcript, granularities, rules), content_type


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "id": segment.id,
        "seek": round(segment.start * 100),  # frames of 10 ms
        "start": float(segment.start),
        "end": float(segment.end),
        "text": segment.text,
        "tokens": list(segment.tokens),
        "temperature": float(segment.temperature),
        "avg_logprob": float(segment.avg_logprob),
        "compression_ratio": float(segment.compression_ratio),
        "no_speech_prob": float(segment.no_speech_prob),
    }


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(transcript.duration)}
