"""Long recordings: cut into parts, which are jobs of their own, and joined once all are heard."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speech.encode import encode
from speech.jobs import Job, NewJob
from speech.media import RATE, pcm
from speech.subtitles import from_json
from speech.transcript import Transcript
from worker.attempt import Attempt, Split
from worker.engines import Span, TranscribeOptions, Transcriber
from worker.listen import beside, merge, same_language
from worker.sounds import Sound

Cuts = Sequence[tuple[Sound, list[Span]]]
# What a part's request takes from its parent's.
ENGINE_FIELDS = (
    "prompt", "temperature", "hotwords", "beam_size", "vad_filter", "vad_parameters", "word_timestamps",
    "without_timestamps", "languages", "language_detection_threshold", "confidence_threshold", "diarization",
)  # fmt: skip


def split(
    attempt: Attempt, engine: Transcriber, cuts: Cuts, options: TranscribeOptions, key: str | None
) -> Split:
    """A part for each span of each sound, with its samples in storage; `key` is the whole's, for the join."""
    total = sum(len(spans) for _, spans in cuts)
    parts: list[NewJob] = []
    for sound, spans in cuts:
        common = _common(attempt.job, engine, sound, spans, options)
        for span in spans:
            attempt.check()
            attempt.progress(len(parts) / total, "cutting")
            request = common | {"offset": span[0] / RATE}
            request |= {"warnings": [] if parts else sound.decoded.warnings, "reuse": key}
            parts.append(_part(attempt, len(parts), sound.decoded.path, span, request))
    return Split(parts)


def _common(
    job: Job, engine: Transcriber, sound: Sound, spans: list[Span], options: TranscribeOptions
) -> dict[str, Any]:
    options, found = same_language(engine, sound.decoded.path, spans, options)
    common = {name: job.request[name] for name in ENGINE_FIELDS if name in job.request}
    common |= {"task": options.task, "language": options.language, "speaker": sound.speaker}
    common["model"] = job.request.get("model")
    common["language_probability"] = found.probability if found else None
    return common


def _part(attempt: Attempt, number: int, path: Path, span: Span, request: dict[str, Any]) -> NewJob:
    name = f"part-{number:03d}.wav"  # FLAC has half the bytes, but took 2 % of the CPU time
    file = attempt.workdir / name
    minutes = range(span[0], span[1], RATE * 60)
    encode((pcm(path, at, min(at + RATE * 60, span[1])) for at in minutes), RATE, "wav", file)
    key = attempt.store(name, file, "audio/wav")
    place = {"key": key, "name": name, "bytes": file.stat().st_size}
    file.unlink()
    job = attempt.job
    return NewJob(
        "part", "transcription", request, tenant=job.tenant, priority=job.priority, input=place
    )


def join(attempt: Attempt) -> tuple[Transcript, list[Any], str | None]:
    """The transcript of all parts, their warnings and the whole's key.

    Channels that were heard one by one stand side by side.
    """
    reuse: str | None = None
    channels: dict[str | None, list[tuple[float, Transcript]]] = {}
    warnings: list[Any] = []
    for job in attempt.parts():
        attempt.check()
        key = next(one.key for one in job.artifacts if one.name == "transcript.json")
        transcript = from_json(json.loads(b"".join(attempt.storage.open(key))))
        place = float(job.request["offset"]), transcript
        channels.setdefault(job.request.get("speaker"), []).append(place)
        warnings += job.warnings
        reuse = job.request.get("reuse")
    whole = beside([(speaker, merge(parts)) for speaker, parts in channels.items()])
    return whole, warnings, reuse


def as_detected(transcript: Transcript, job: Job) -> Transcript:
    """A part was told its language; how sure the detection was is known from before the cut."""
    probability = job.request.get("language_probability")
    if probability is None:
        return transcript
    return replace(transcript, language_probability=float(probability))
