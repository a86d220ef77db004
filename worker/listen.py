"""From decoded samples to a transcript, whole or part by part; what a job and the command line share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speech.languages import UNKNOWN
from speech.media import RATE, samples
from speech.transcript import Segment, Transcript
from worker.engines import Detected, TranscribeOptions, Transcriber

OnSegment = Callable[[Segment], None]


def listen(
    engine: Transcriber,
    path: Path,
    span: tuple[int, int],
    options: TranscribeOptions,
    on_segment: OnSegment = lambda segment: None,
) -> Transcript:
    """The transcript of samples [start, end) of a decoded file, its times counted from `start`.

    `on_segment` is called with each segment as soon as it is decoded; what it raises ends the decoding.
    """
    sound = samples(path, *span)
    detected, stream = engine.transcribe(sound, options)
    segments = []
    for segment in stream:
        segments.append(segment)
        on_segment(segment)
    return Transcript(
        text=text_of(segments),
        language=detected.language,
        language_probability=detected.probability,
        duration=len(sound) / RATE,
        segments=tuple(segments),
        task=options.task,
        engine=engine.describe() | settings_of(options),
    )


def same_language(
    engine: Transcriber, path: Path, spans: Sequence[tuple[int, int]], options: TranscribeOptions
) -> tuple[TranscribeOptions, Detected | None]:
    """Options for the parts of one recording: a language that nobody named is detected once, in the first part."""
    if options.language is not None or len(spans) < 2:
        return options, None
    found = engine.detect(samples(path, *spans[0]), options.vad_filter)
    if found.language == UNKNOWN:
        return options, None  # nobody speaks yet: each part looks for itself
    return replace(options, language=found.language), found


def merge(parts: Sequence[tuple[float, Transcript]]) -> Transcript:
    """One transcript from those of a recording's parts, in order; each with its start in seconds."""
    segments: list[Segment] = []
    for offset, part in parts:
        for segment in part.segments:
            segments.append(replace(shifted(segment, offset), id=len(segments)))
    speaking = max((part for _, part in parts), key=_spoken)
    last_offset, last = parts[-1]
    return replace(
        speaking,
        text=text_of(segments),
        duration=last_offset + last.duration,
        segments=tuple(segments),
    )


def shifted(segment: Segment, offset: float) -> Segment:
    """The same segment `offset` seconds later, its words too."""
    if not offset:
        return segment
    words = tuple(
        replace(word, start=round(word.start + offset, 3), end=round(word.end + offset, 3))
        for word in segment.words
    )
    start, end = round(segment.start + offset, 3), round(segment.end + offset, 3)
    return replace(segment, start=start, end=end, words=words)


def text_of(segments: Sequence[Segment]) -> str:
    """What was said, in one piece; segments carry the spaces that their language writes."""
    return "".join(segment.text for segment in segments).strip()


def settings_of(options: TranscribeOptions) -> dict[str, Any]:
    """What a transcript keeps of how it was made."""
    return {"beam_size": options.beam_size, "vad_filter": options.vad_filter}


def _spoken(part: Transcript) -> float:
    return sum(segment.end - segment.start for segment in part.segments)
