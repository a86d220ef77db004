"""From decoded samples to a transcript, whole or part by part; what a job and the command line share."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from speech.coverage import merged
from speech.languages import UNKNOWN
from speech.media import RATE, samples
from speech.transcript import Segment, Transcript
from worker.coverage import Listener
from worker.doubts import flagged
from worker.engines import Detected, Span, TranscribeOptions, Transcriber

OnSegment = Callable[[Segment], None]


def listen(
    engine: Transcriber,
    path: Path,
    span: Span,
    options: TranscribeOptions,
    on_segment: OnSegment = lambda segment: None,
) -> Transcript:
    """The transcript of samples [start, end) of a decoded file, its times counted from `start`.

    Speech that no segment covers is heard again, and what is doubtful is flagged. `on_segment` is called with
    each segment as soon as it is decoded; what it raises ends the decoding.
    """
    sound = samples(path, *span)
    speech = engine.speech(sound, options)
    detected, stream = engine.transcribe(sound, options, speech)
    listener = Listener(engine, sound, options, speech)
    segments: list[Segment] = []
    complete = listener.complete(stream, detected.language)
    for segment in flagged(complete, listener.speech, options):
        segments.append(replace(segment, id=len(segments)))
        on_segment(segments[-1])
    return Transcript(
        text=text_of(segments),
        language=detected.language,
        language_probability=detected.probability,
        duration=len(sound) / RATE,
        segments=tuple(segments),
        task=options.task,
        engine=engine.describe() | settings_of(options),
        coverage=listener.coverage,
    )


def same_language(
    engine: Transcriber, path: Path, spans: Sequence[Span], options: TranscribeOptions
) -> tuple[TranscribeOptions, Detected | None]:
    """Options for the parts of one recording: a language that nobody named is detected once, in the first part."""
    if options.language is not None or len(spans) < 2:
        return options, None
    sound = samples(path, *spans[0])
    found = engine.detect(sound, options, engine.speech(sound, options))
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
    covered = [(offset, part.coverage) for offset, part in parts if part.coverage is not None]
    last_offset, last = parts[-1]
    return replace(
        speaking,
        text=text_of(segments),
        duration=last_offset + last.duration,
        segments=tuple(segments),
        coverage=merged(covered) if covered else None,
    )


def beside(channels: Sequence[tuple[str | None, Transcript]]) -> Transcript:
    """One transcript from those of channels that were heard one by one: (name, transcript), each of the whole time."""
    if len(channels) == 1:
        return channels[0][1]
    named = [replace(segment, speaker=name) for name, one in channels for segment in one.segments]
    named.sort(key=lambda segment: (segment.start, segment.end))
    segments = tuple(replace(segment, id=number) for number, segment in enumerate(named))
    speaking = max((one for _, one in channels), key=_spoken)
    return replace(
        speaking,
        text=text_of(segments),
        duration=max(one.duration for _, one in channels),
        segments=segments,
        coverage=merged([(0.0, one.coverage) for _, one in channels if one.coverage]),
    )


def shifted(segment: Segment, offset: float) -> Segment:
    """The same segment `offset` seconds later, its words too."""
    if not offset:
        return segment
    words = tuple(
        replace(word, start=round(word.start + offset, 6), end=round(word.end + offset, 6))
        for word in segment.words
    )
    start, end = round(segment.start + offset, 6), round(segment.end + offset, 6)
    return replace(segment, start=start, end=end, words=words)


def text_of(segments: Sequence[Segment]) -> str:
    """What was said, in one piece; segments carry the spaces that their language writes."""
    return "".join(segment.text for segment in segments).strip()


def settings_of(options: TranscribeOptions) -> dict[str, Any]:
    """What a transcript keeps of how it was made: all but the language, which stands by itself, and the order."""
    told = asdict(options)
    return {name: value for name, value in told.items() if name not in {"language", "task", "soon"}}


def _spoken(part: Transcript) -> float:
    return sum(segment.end - segment.start for segment in part.segments)
