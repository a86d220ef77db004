"""A transcript as a file: JSON, from which all else is rendered, plain text, SRT and WebVTT."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from speech.transcript import Segment, Transcript, Word


def to_json(transcript: Transcript) -> dict[str, Any]:
    """The canonical form: `from_json` reads back an equal transcript.

    Words stand in one list beside the segments; a word's "segment" is its segment's id.
    Times are seconds.
    """
    return {
        "text": transcript.text,
        "language": transcript.language,
        "language_probability": float(transcript.language_probability),
        "duration": float(transcript.duration),
        "task": transcript.task,
        "segments": [_segment(segment) for segment in transcript.segments],
        "words": [
            _word(word, segment.id) for segment in transcript.segments for word in segment.words
        ],
        "engine": dict(transcript.engine),
    }


def from_json(data: dict[str, Any]) -> Transcript:
    """The transcript that `to_json` wrote.

    Raises KeyError, TypeError or ValueError for anything else.
    """
    words: dict[int, list[Word]] = {}
    for word in data.get("words", []):
        words.setdefault(int(word["segment"]), []).append(
            Word(word["word"], float(word["start"]), float(word["end"]), float(word["probability"]))
        )
    return Transcript(
        text=data["text"],
        language=data["language"],
        language_probability=float(data["language_probability"]),
        duration=float(data["duration"]),
        segments=tuple(_read(segment, words) for segment in data["segments"]),
        task=data["task"],
        engine=dict(data["engine"]),
    )


def json_file(transcript: Transcript) -> str:
    """transcript.json: the canonical form as UTF-8 text on one line."""
    return json.dumps(to_json(transcript), ensure_ascii=False, allow_nan=False) + "\n"


def text_file(transcript: Transcript) -> str:
    """transcript.txt: a line for each segment; empty when nothing was said."""
    return "".join(f"{text}\n" for _, _, text in _cues(transcript))


def srt_file(transcript: Transcript) -> str:
    """SubRip: numbered cues, a comma before the milliseconds.

    The format has no escapes: a `-->` inside a text loses a dash.
    """
    cues = (
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text.replace('-->', '->')}\n"
        for number, (start, end, text) in enumerate(_cues(transcript), 1)
    )
    return "\n".join(cues)


def vtt_file(transcript: Transcript) -> str:
    """WebVTT, always with its header and hours, text escaped: https://www.w3.org/TR/webvtt1/."""
    cues = (
        f"\n{_clock(start, '.')} --> {_clock(end, '.')}\n{_escape(text)}\n"
        for start, end, text in _cues(transcript)
    )
    return "WEBVTT\n" + "".join(cues)


WRITERS: dict[str, Callable[[Transcript], str]] = {
    "json": json_file,
    "txt": text_file,
    "srt": srt_file,
    "vtt": vtt_file,
}
CONTENT_TYPES: dict[str, str] = {
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "id": segment.id,
        "start": float(segment.start),
        "end": float(segment.end),
        "text": segment.text,
        "tokens": [int(token) for token in segment.tokens],
        "temperature": float(segment.temperature),
        "avg_logprob": float(segment.avg_logprob),
        "compression_ratio": float(segment.compression_ratio),
        "no_speech_prob": float(segment.no_speech_prob),
    }


def _word(word: Word, segment: int) -> dict[str, Any]:
    return {
        "word": word.word,
        "start": float(word.start),
        "end": float(word.end),
        "probability": float(word.probability),
        "segment": segment,
    }


def _read(data: dict[str, Any], words: dict[int, list[Word]]) -> Segment:
    return Segment(
        id=int(data["id"]),
        start=float(data["start"]),
        end=float(data["end"]),
        text=data["text"],
        tokens=tuple(data["tokens"]),
        temperature=float(data["temperature"]),
        avg_logprob=float(data["avg_logprob"]),
        compression_ratio=float(data["compression_ratio"]),
        no_speech_prob=float(data["no_speech_prob"]),
        words=tuple(words.get(int(data["id"]), ())),
    )


def _cues(transcript: Transcript) -> Iterator[tuple[int, int, str]]:
    """Start and end in whole milliseconds and one line of text, for each segment with words.

    WebVTT wants every cue to end after it starts, and a blank line inside a text would end the cue.
    """
    for segment in transcript.segments:
        text = " ".join(segment.text.replace("\0", "").split())
        if text:
            start = max(0, round(segment.start * 1000))
            yield start, max(start + 1, round(segment.end * 1000)), text


def _clock(milliseconds: int, mark: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{milliseconds:03d}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
