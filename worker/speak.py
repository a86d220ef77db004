"""The handler of the speech lane: a text in, a member's voice and its captions out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from speech.encode import read_wav
from speech.errors import InvalidRequest
from speech.jobs import Artifact, Job, NewJob, piece_name
from speech.korean.sentences import Border, parts, sentences
from speech.settings import Settings
from speech.subtitles import from_json
from speech.transcript import Segment
from speech.voices import Voice
from worker.asked import is_streamed, read_finish, read_request
from worker.attempt import Attempt, Done, NewArtifact, Split
from worker.cached import from_cache, is_cached, key_of, to_cache
from worker.lines import Line
from worker.new_voices import wait_for_new_voice
from worker.pauses import Pauses
from worker.preview import preview
from worker.recording import Recording, asked_formats
from worker.speaker import Request, Speaker, Utterance, load_speech_models
from worker.told import Told

__all__ = ["load_speech_models", "record", "speak"]


def speak(attempt: Attempt) -> Done | Split:
    """Speak a job's text, or divide it into parts, or join what the parts have spoken.

    Raises InvalidRequest for a request that cannot be spoken, Internal("voice_broken"), and
    Unavailable("voice_not_loaded_yet") for a voice that is newer than this worker's.
    """
    speaker: Speaker = attempt.models["speech"]
    wait_for_new_voice(attempt.job.request.get("voice"), speaker, attempt.settings)
    request = read_request(attempt.job.request, speaker)
    attempt.refuse_revoked(request.voice)
    if attempt.job.phase == "join":
        return _join(attempt, speaker, request)
    text = attempt.job.request["input"]
    # Parts are spoken side by side; who listens along wants the first sentence first.
    whole = attempt.job.kind != "speech" or is_streamed(attempt.job)
    if not whole and len(text) > attempt.settings.part_characters:
        return Split(_parts(attempt.job, text, attempt.settings))
    cut = sentences(text, attempt.settings.sentence_characters)
    request = replace(request, lexicon=attempt.lexicon(request.voice.member))
    lines = speaker.read(cut, request, attempt.check)
    finish = read_finish(attempt.job, request.voice, attempt.settings)
    key = key_of(lines, request, finish, speaker.pauses, is_streamed(attempt.job))
    if attempt.job.kind == "preview":
        return preview(attempt, speaker, request, lines, is_cached(attempt, key))
    if found := from_cache(attempt, key, lines, request):
        recording, made = found
        done = _done(attempt, speaker, request.voice, recording, Told(lines))
        return _from_cache(attempt.job, done, made)
    return _work(attempt, speaker, request, lines, key)


def _parts(job: Job, text: str, settings: Settings) -> list[NewJob]:
    """A part speaks whole sentences into a WAV: the join can lay them end to end, each `border` apart."""
    shared = {**job.request, "response_format": "wav", "formats": ["wav", "json"]}
    cut = parts(text, settings.part_characters, settings.sentence_characters)
    asked = [
        {**shared, "input": part.text, "border": part.border, "offset": part.start} for part in cut
    ]
    return [NewJob("part", job.lane, request, job.tenant, job.priority) for request in asked]


def _work(
    attempt: Attempt, speaker: Speaker, request: Request, lines: list[Line], key: str
) -> Done:
    count, timings = sum(bool(line.ids) for line in lines), []
    with _recording(attempt, request) as recording:
        for place, utterance in enumerate(speaker.speak(lines, request, attempt.check), 1):
            record(utterance, recording)
            if utterance.segment and utterance.timing:
                timings.append(utterance.timing)
                _publish(attempt, recording, utterance.segment, count)
            attempt.progress(place / len(lines), "speaking")
        done = _done(attempt, speaker, request.voice, recording, Told(lines))
        made = to_cache(attempt, key, request, recording.samples, timings)
        return replace(done, made=made)


def _from_cache(job: Job, done: Done, made: dict[str, Artifact]) -> Done:
    """The captions with the sound that was made before, in the order asked for."""
    files: dict[str, NewArtifact | Artifact] = {one.name: one for one in done.artifacts}
    files |= {one.name: one for one in made.values()}
    artifacts = [files[f"speech.{name}"] for name in asked_formats(job.request)]
    return replace(done, artifacts=artifacts, result=done.result | {"cached": True})


def _publish(attempt: Attempt, recording: Recording, segment: Segment, count: int) -> None:
    """Tell that a sentence of `count` is ready; of a streamed job its sound is stored first."""
    if not is_streamed(attempt.job):
        attempt.piece(_piece(segment, count))
        return
    path = attempt.workdir / "piece"
    path.write_bytes(recording.take(last=segment.id == count - 1))
    attempt.store(piece_name(segment.id), path, "application/octet-stream")
    attempt.piece(_piece(segment, count))
    attempt.tell()


def _join(attempt: Attempt, speaker: Speaker, request: Request) -> Done:
    spoken, told = attempt.parts(), Told()
    with _recording(attempt, request) as recording:
        border: Border = "sentence"
        for place, part in enumerate(spoken, 1):
            attempt.check()
            _append(attempt, part, recording, speaker.pauses, border, request.speed)
            told.add_result(part.result or {}, part.request.get("offset", 0))
            border = part.request.get("border", border)
            attempt.progress(place / len(spoken), "joining")
        return _done(attempt, speaker, request.voice, recording, told)


def record(utterance: Utterance, recording: Recording) -> None:
    """Keep one sentence's sound and captions."""
    recording.add(utterance.samples)
    if utterance.segment:
        recording.caption(utterance.segment)


def _recording(attempt: Attempt, request: Request) -> Recording:
    job = attempt.job
    finish = read_finish(job, request.voice, attempt.settings)
    live = job.request["response_format"] if is_streamed(job) else None
    return Recording(attempt.workdir, asked_formats(job.request), request.voice.rate, finish, live)


def _append(
    attempt: Attempt, part: Job, recording: Recording, pauses: Pauses, border: Border, speed: float
) -> None:
    """A part's sound and captions at the recording's end; one piece of sound is in memory at a time."""
    keys = {artifact.name: artifact.key for artifact in part.artifacts}
    sound, captions = attempt.workdir / "part.wav", attempt.workdir / "part.json"
    attempt.storage.fetch(keys["speech.wav"], sound)
    attempt.storage.fetch(keys["speech.json"], captions)
    segments = from_json(json.loads(captions.read_text("utf-8"))).segments
    if segments and recording.segments:
        recording.add(pauses.between(border, recording.rate, speed))
    start = recording.duration
    for samples in read_wav(sound, recording.rate):  # a part may be of another version of the voice
        recording.add(samples)
    for segment in segments:
        recording.caption(segment, start)
    _remove(sound, captions)


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink()


def _piece(segment: Segment, count: int) -> dict[str, Any]:
    return {
        "type": "sentence",
        "id": segment.id,
        "of": count,
        "text": segment.text,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
    }


def _done(
    attempt: Attempt, speaker: Speaker, voice: Voice, recording: Recording, told: Told
) -> Done:
    # A part of a long text may be nothing but signs; a whole text may not.
    if not recording.segments and attempt.job.kind != "part":
        raise InvalidRequest("nothing_to_speak", param="input")
    text = attempt.job.request["input"]
    version = "+".join(filter(None, told.versions)) or voice.version
    engine = {"name": speaker.engine.name, "voice": voice.slug, "voice_version": version}
    result = {
        "text": text,
        "duration": round(recording.duration, 3),
        "voice": voice.slug,
        "member": voice.member,
        "voice_version": version,
        "engine": speaker.engine.name,
        "sentences": len(recording.segments),
        "cached": False,
        **told.to_json(),
    }
    if attempt.settings.self_check:
        result["reading"] = " ".join(filter(None, told.reading))
    usage = {"audio_seconds": round(recording.duration, 3), "characters": float(len(text))}
    artifacts = recording.finish(text, voice.language, engine)
    return Done(artifacts, result, usage, told.warnings())
