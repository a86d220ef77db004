"""A transcript as a file: JSON, from which all else is rendered, plain text, SRT and WebVTT."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any, Protocol

from speech.coverage import Coverage
from speech.cue_lines import join, units
from speech.cue_rules import CueRules, rules_for
from speech.cues import Cue, build
from speech.transcript import Repair, Segment, Transcript, Word
from speech.words import placed, sentence_numbers, with_words, words_of, written_language


def to_json(transcript: Transcript) -> dict[str, Any]:
    """The canonical form: `from_json` reads back an equal transcript.

    Words stand in one list beside the segments; a word's "id" is its place in it, its "segment" its segment's id.
    A segment without words gets those of its text. Times are seconds.
    """
    return _about(transcript) | {name: list(found) for name, found in _lists(transcript)}


def from_json(data: dict[str, Any]) -> Transcript:
    """The transcript that `to_json` wrote.

    Raises KeyError, TypeError or ValueError for anything else.
    """
    words: dict[int, list[Word]] = {}
    for word in data.get("words", []):
        words.setdefault(int(word["segment"]), []).append(_read_word(word))
    return Transcript(
        text=data["text"],
        language=data["language"],
        language_probability=float(data["language_probability"]),
        duration=float(data["duration"]),
        segments=tuple(_read(segment, words) for segment in data["segments"]),
        task=data["task"],
        engine=dict(data["engine"]),
        repairs=tuple(Repair(**one) for one in data.get("repairs", ())),
        coverage=Coverage.from_json(data["coverage"]) if data.get("coverage") else None,
    )


def _about(transcript: Transcript) -> dict[str, Any]:
    return {
        "text": transcript.text,
        "language": transcript.language,
        "language_probability": float(transcript.language_probability),
        "duration": float(transcript.duration),
        "task": transcript.task,
        "engine": dict(transcript.engine),
        "repairs": [asdict(one) for one in transcript.repairs],
        "coverage": transcript.coverage.to_json() if transcript.coverage else None,
    }


def _lists(transcript: Transcript) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    segments = with_words(transcript).segments
    yield "segments", map(_segment, segments)
    both = ((word, segment.id) for segment in segments for word in segment.words)
    yield "words", (_word(number, *one) for number, one in enumerate(both))


def json_file(transcript: Transcript, rules: CueRules | None = None) -> str:
    """transcript.json: the canonical form as UTF-8 text on one line."""
    return "".join(json_pieces(transcript))


def json_pieces(transcript: Transcript) -> Iterator[str]:
    """transcript.json piece by piece: all its words at once, as a dict each, take many times the file's bytes."""
    yield _dumped(_about(transcript))[:-1]
    for name, found in _lists(transcript):
        yield f', "{name}": ['
        for number, one in enumerate(found):
            yield (", " if number else "") + _dumped(one)
        yield "]"
    yield "}\n"


def _dumped(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def text_file(transcript: Transcript, rules: CueRules | None = None) -> str:
    """transcript.txt: a line for each sentence; empty when nothing was said."""
    words = words_of(transcript)
    numbered = zip(sentence_numbers(words), words, strict=True)
    lines = (
        join([units(word.word) for _, word in sentence])
        for _, sentence in groupby(numbered, key=lambda one: one[0])
    )
    return "".join(f"{line}\n" for line in lines if line)


def cues_of(transcript: Transcript, rules: CueRules | None = None) -> list[Cue]:
    """The cues of a transcript; without `rules` by those of its language."""
    return build(placed(transcript), rules or rules_for(written_language(transcript)))


def srt_file(transcript: Transcript, rules: CueRules | None = None) -> str:
    """transcript.srt."""
    return srt(cues_of(transcript, rules))


def vtt_file(transcript: Transcript, rules: CueRules | None = None) -> str:
    """transcript.vtt."""
    return vtt(cues_of(transcript, rules))


def srt(cues: Sequence[Cue], head: str = "") -> str:
    """SubRip: numbered cues, a comma before the milliseconds; it has no place for a `head`.

    The format has no escapes: a `-->` inside a text loses a dash.
    """
    return "\n".join(
        f"{number}\n{_times(cue, ',')}\n{_lines(cue).replace('-->', '->')}\n"
        for number, cue in enumerate(cues, 1)
    )


def vtt(cues: Sequence[Cue], head: str = "") -> str:
    """WebVTT, always with its header and hours, text escaped: https://www.w3.org/TR/webvtt1/.

    `head` is a line below the header, such as X-TIMESTAMP-MAP.
    """
    entries = (f"\n{_times(cue, '.')}\n{_escape(_lines(cue))}\n" for cue in cues)
    return "WEBVTT\n" + (f"{head}\n" if head else "") + "".join(entries)


def timestamp_map(mpegts: int, local: float) -> str:
    """The line that ties a cue time of `local` seconds to an MPEG-2 time in 90 kHz ticks (RFC 8216, 3.5)."""
    return f"X-TIMESTAMP-MAP=LOCAL:{_clock(round(local * 1000), '.')},MPEGTS:{mpegts}"


SUBTITLES: dict[str, Callable[[Sequence[Cue], str], str]] = {"srt": srt, "vtt": vtt}


class Writer(Protocol):
    """A format: a transcript as a file; `rules` are for cues, by default the language's own."""

    def __call__(self, transcript: Transcript, rules: CueRules | None = None) -> str:
        """The file's text."""


WRITERS: dict[str, Writer] = {
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
        "speaker": segment.speaker,
        "flags": list(segment.flags),
    }


def _word(number: int, word: Word, segment: int) -> dict[str, Any]:
    return {
        "id": number,
        "word": word.word,
        "start": float(word.start),
        "end": float(word.end),
        "probability": float(word.probability),
        "segment": segment,
        "sentence": word.sentence,
        "time_source": word.time_source,
    } | ({"reading": word.reading} if word.reading else {})


def _read_word(data: dict[str, Any]) -> Word:
    return Word(
        data["word"],
        float(data["start"]),
        float(data["end"]),
        float(data["probability"]),
        data.get("time_source", "engine"),
        data.get("sentence"),
        data.get("reading", ""),
    )


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
        speaker=data.get("speaker"),
        flags=tuple(data.get("flags", ())),
    )


def _times(cue: Cue, mark: str) -> str:
    return f"{_clock(cue.start_ms, mark)} --> {_clock(cue.end_ms, mark)}"


def _lines(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _clock(milliseconds: int, mark: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{milliseconds:03d}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
