"""The transcription lane: one recording, one part of a long one, or the joining of its parts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from speech.coverage import LOW
from speech.cue_rules import CueRules, rules_for
from speech.errors import InvalidRequest
from speech.jobs import Job
from speech.languages import parse_language
from speech.media import Decoded
from speech.settings import Settings
from speech.subtitles import CONTENT_TYPES, WRITERS
from speech.transcript import Segment, Transcript
from speech.words import written_language
from worker.aligners import with_times
from worker.attempt import Attempt, Done, NewArtifact, Split
from worker.cuts import cut
from worker.engines import Span, Task, TranscribeOptions, Transcriber, load_transcriber
from worker.further_models import engine_for
from worker.listen import beside, listen, shifted
from worker.names import Names, names_of, with_names
from worker.opening import Opening
from worker.parts import ENGINE_FIELDS, as_detected, join, split
from worker.reuse import heard_before, keys_of
from worker.sentences import number_sentences
from worker.sounds import Sound, read

# A response_format that is also a file; json and verbose_json are answered from transcript.json.
_FILES = {"text": "txt", "srt": "srt", "vtt": "vtt"}


def load_transcription_models(settings: Settings) -> Transcriber:
    """The lane's engine, loaded and warmed up."""
    return with_times(load_transcriber(settings), settings)


def transcribe(attempt: Attempt) -> Done | Split:
    """Run a transcription, a translation, a part of either, or the join of its parts.

    Artifacts: transcript.json always, and one for each of the request's `formats`. Raises what
    speech.media.decode raises, and InvalidRequest (unknown_language, unknown_transcript_format).
    """
    names = names_of(attempt)
    if attempt.job.phase == "join":
        return _done(attempt, names, *join(attempt))
    engine = engine_for(
        attempt.models["transcription"], attempt.job.request, attempt.settings,
        load_transcription_models,
    )  # fmt: skip
    options = options_of(attempt.job)
    formats_of(attempt.job.request)  # what is wrong is told before the work, not after it
    rules_of(attempt.job.request, "ko")
    attempt.progress(0.0, "fetching")
    source = attempt.fetch_input()
    key, before = _heard_before(attempt, source, options, engine, names)
    if before is not None:
        return before
    sounds = read(attempt, source, Opening(attempt, engine, options))
    cuts = [(sound, _spans(attempt, sound.decoded)) for sound in sounds]
    if any(len(spans) > 1 for _, spans in cuts):
        return split(attempt, engine, cuts, options, key)
    channels = [
        (
            sound.speaker,
            listen(engine, sound.decoded.path, spans[0], options, _reporter(attempt, sound)),
        )
        for sound, spans in cuts
    ]
    transcript = as_detected(beside(channels), attempt.job)
    return _done(attempt, names, transcript, sounds[0].decoded.warnings, key)


def _heard_before(
    attempt: Attempt, source: Path, options: TranscribeOptions, engine: Transcriber, names: Names
) -> tuple[str | None, Done | None]:
    """The key of a whole recording, and its result where the tenant has it already; a part has neither."""
    if attempt.job.kind == "part":
        return None, None
    key, nameless = keys_of(source, attempt.job, options, engine, names)
    if before := heard_before(attempt, key):
        return key, _again(attempt, *before, key)
    if nameless != key and (before := heard_before(attempt, nameless)):
        return key, _named(attempt, names, *before, key)
    return key, None


def _spans(attempt: Attempt, decoded: Decoded) -> list[Span]:
    if attempt.job.kind == "part":
        return [(0, decoded.samples)]
    return cut(decoded.path, decoded.samples, attempt.settings.part_seconds)


def options_of(job: Job) -> TranscribeOptions:
    """How a job's request wants its recording heard."""
    request = job.request
    given = {name: request[name] for name in ENGINE_FIELDS if request.get(name) is not None}
    given["languages"] = tuple(given.get("languages", ()))
    translates = job.kind == "translation" or request.get("task") == "translate"
    task: Task = "translate" if translates else "transcribe"
    given["soon"] = job.kind != "part"
    return TranscribeOptions(language=parse_language(request.get("language")), task=task, **given)


def formats_of(request: dict[str, Any]) -> list[str]:
    """The files a request wants, transcript.json first. Raises InvalidRequest."""
    asked = [*(request.get("formats") or ()), _FILES.get(request.get("response_format") or "")]
    wanted = [name for name in dict.fromkeys(["json", *asked]) if name]
    for name in wanted:
        if name not in WRITERS:
            known = ", ".join(WRITERS)
            raise InvalidRequest(
                "unknown_transcript_format", param="formats", value=str(name)[:40], known=known
            )
    return wanted


def rules_of(request: dict[str, Any], language: str) -> CueRules:
    """The cue rules that a request wants for a text in `language`. Raises InvalidRequest."""
    return rules_for(language, request.get("preset"), request.get("cue_rules"))


def _reporter(attempt: Attempt, sound: Sound) -> Any:
    """Told of every segment: publishes it, moves the progress, and stops a cancelled job."""
    offset = float(attempt.job.request.get("offset", 0.0))

    def report(segment: Segment) -> None:
        attempt.heard(shifted(segment, offset))
        attempt.progress(min(1.0, segment.end / sound.decoded.duration), "decoding")
        attempt.check()

    return report


def _again(attempt: Attempt, before: Job, transcript: Transcript, key: str) -> Done:
    """The transcript that an earlier job of the tenant made of the same recording, in the files asked for now."""
    for segment in transcript.segments:
        attempt.heard(segment)
    result = (before.result or {}) | {"reused_from": before.id}
    usage = {"audio_seconds": round(transcript.duration, 3)}
    return Done(_files(attempt, transcript), result, usage, before.warnings, key)


def _named(attempt: Attempt, names: Names, before: Job, transcript: Transcript, key: str) -> Done:
    """What was heard before without the names that are to be written into it now."""
    for segment in transcript.segments:
        attempt.heard(segment)
    done = _done(attempt, names, transcript, before.warnings, key)
    return replace(done, result=done.result | {"reused_from": before.id})


def _done(
    attempt: Attempt,
    names: Names,
    transcript: Transcript,
    warnings: list[Any],
    key: str | None = None,
) -> Done:
    is_part = attempt.job.kind == "part"
    warnings = [*attempt.job.request.get("warnings", []), *warnings] if is_part else warnings
    if not is_part:  # only the whole has all of a sentence
        transcript = number_sentences(with_names(transcript, names))
        found = _doubts(attempt.job, transcript)
        warnings = [*warnings, *(one for one in found if one not in warnings)]
    result = {
        "text": transcript.text,
        "language": transcript.language,
        "language_probability": round(transcript.language_probability, 4),
        "duration": round(transcript.duration, 3),
    }
    # A part's seconds are its parent's, which counts them once.
    usage = {} if is_part else {"audio_seconds": round(transcript.duration, 3)}
    return Done(_files(attempt, transcript), result, usage, warnings, key)


def _doubts(job: Job, transcript: Transcript) -> list[dict[str, Any]]:
    """What a reader of the whole transcript should know of it."""
    if not transcript.segments:
        return [{"code": "no_speech"}]
    found: list[dict[str, Any]] = []
    if job.request.get("names") and written_language(transcript) != "ko":
        found.append({"code": "names_need_korean", "found": transcript.language})
    covered, sure = transcript.coverage, transcript.language_probability
    if covered is not None and covered.ratio < LOW:
        found.append({"code": "low_coverage", "percent": round(100 * covered.ratio)})
    if sure < options_of(job).language_detection_threshold:
        spoken = transcript.language
        found.append({"code": "language_unsure", "found": spoken, "probability": round(sure, 2)})
    doubtful = sum(bool(set(segment.flags) - {"recovered"}) for segment in transcript.segments)
    if doubtful:
        found.append({"code": "doubtful_text", "segments": doubtful})
    return found


def _files(attempt: Attempt, transcript: Transcript) -> list[NewArtifact]:
    made, request = [], attempt.job.request
    rules = rules_of(request, written_language(transcript))
    for name in formats_of(request):
        path = attempt.workdir / f"transcript.{name}"
        path.write_text(WRITERS[name](transcript, rules), encoding="utf-8", newline="")
        made.append(NewArtifact(path.name, path, CONTENT_TYPES[name]))
    return made
