"""Speech jobs: what a request asks to be said, and the sound as an answer."""

from itertools import chain
from typing import Any

from flask import Response
from flask import request as http

from server.bodies import SpeechBody, SpeechFields, SpeechJobBody, VoiceId
from server.caller import caller
from server.orders import Order, check_spoken, order_for
from server.places import output_keys
from server.service import Service
from speech import ledger
from speech.errors import Gone, Internal, InvalidRequest
from speech.jobs import Artifact, Job, NewJob
from speech.sound_types import OPUS_RATE
from speech.voices import Voice, find_model

CAPTIONS = (
    "srt",
    "vtt",
    "json",
)  # what a job holds beside the sound; a waiting caller gets the sound only


def speech_order(service: Service, body: SpeechBody, asynchronous: bool) -> Order:
    """The order of POST /v1/audio/speech; a job may be longer than what is waited for."""
    settings = service.settings
    limit = settings.job_text_max_characters if asynchronous else settings.text_max_characters
    check_spoken(body.input, limit, "input")
    formats = [body.response_format, *(CAPTIONS if asynchronous else ())]
    request = _request(service, body, body.response_format, formats)
    stream = body.stream_format is not None and not asynchronous
    request |= {"stream_format": body.stream_format} if stream else {}
    return Order(order_for("speech", request), stream=stream)


def preview_order(service: Service, body: SpeechBody, asynchronous: bool) -> Order:
    """The order of POST /v1/audio/speech/preview."""
    asked = speech_order(service, body, asynchronous).new.request
    asked.pop("stream_format", None)
    return Order(order_for("preview", asked | {"formats": []}))


def speech_job(service: Service, body: SpeechJobBody) -> NewJob:
    """The job of POST /v1/jobs with kind speech."""
    check_spoken(body.input, service.settings.job_text_max_characters, "input")
    formats = body.formats or (body.response_format, *CAPTIONS)
    request = _request(service, body, body.response_format, list(formats))
    names = [f"speech.{one}" for one in request["formats"]]
    promised = output_keys(service, body.output, names) if body.output else ()
    return order_for(
        "speech", request, outputs=promised, promised=tuple(names) if promised else (),
        priority=body.priority, ttl=body.ttl, overwrite=body.overwrite,
    )  # fmt: skip


def speech_request(
    text: str, voice: Voice, model: str, speed: float, response_format: str, formats: list[str]
) -> dict[str, Any]:
    """A speech job's request as the worker reads it; `formats` in order, each once."""
    return {
        "input": text,
        "voice": voice.member,
        "model": model,
        "speed": speed,
        "response_format": response_format,
        "formats": list(dict.fromkeys(formats)),
    }


def _request(
    service: Service, body: SpeechFields, response_format: str, formats: list[str]
) -> dict[str, Any]:
    named = body.voice.id if isinstance(body.voice, VoiceId) else body.voice
    voice, model = service.voices.find(named, "voice"), find_model(body.model)
    need_voice(service, voice, "voice")
    _check_rate(body, formats)
    request = speech_request(body.input, voice, model, body.speed, response_format, formats)
    # What is as it always was is left out, so that a request means the same to every version.
    return request | {name: given for name, given in _options(body).items() if given is not None}


def need_voice(service: Service, voice: Voice, param: str) -> None:
    """Raises Forbidden("member_not_allowed") or ("voice_revoked")."""
    caller().need_member(voice.member, param)
    with service.store.db.read() as connection:
        ledger.refuse_revoked(connection, voice, param)


def _options(body: SpeechFields) -> dict[str, Any]:
    return {
        "on_unknown": body.on_unknown if body.on_unknown != "spell" else None,
        "sample_rate": body.sample_rate,
        "seed": body.seed,
        "no_cache": True if http.cache_control.no_cache else None,
    }


def _check_rate(body: SpeechFields, formats: list[str]) -> None:
    """Raises InvalidRequest("opus_rate")."""
    if body.sample_rate not in (None, OPUS_RATE) and "opus" in formats:
        raise InvalidRequest("opus_rate", param="sample_rate")


def spoken(service: Service, job: Job) -> Response:
    """A finished job's sound, streamed from storage."""
    made = artifact_of(job, f"speech.{job.request['response_format']}")
    chunks = service.storage.open(made.key)
    # The first chunk is asked for before the headers are sent, so that an outage is an error, not a cut.
    response = Response(chain([next(iter(chunks), b"")], chunks), content_type=made.content_type)
    response.content_length = made.size
    response.headers["X-Moksori-Job"] = job.id
    return response


def artifact_of(job: Job, name: str) -> Artifact:
    """A finished job's artifact of this name.

    Raises Gone("file_gone") when its time is over, Internal when the worker left it out.
    """
    for artifact in job.artifacts:
        if artifact.name == name:
            return artifact
    if job.files_expired:
        raise Gone("file_gone")
    raise Internal("internal")
