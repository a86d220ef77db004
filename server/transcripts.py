"""Transcription jobs: what a request wants written down, and the transcript as an answer."""

import json
from typing import Any

from flask import Response

from server.bodies import (
    TranscriptionBody,
    TranscriptionFields,
    TranscriptionJobBody,
    TranslationBody,
    TranslationFields,
    TranslationJobBody,
)
from server.cue_bodies import changes
from server.form_body import FormFile
from server.hearing_bodies import hearing_request
from server.orders import Order, order_for
from server.places import fetched, input_place, output_keys, uploaded
from server.service import Service, wants_fresh
from server.speeches import artifact_of
from speech.cue_rules import CueRules, rules_for
from speech.errors import InvalidRequest
from speech.jobs import Job, NewJob
from speech.languages import parse_language
from speech.openai_shapes import render
from speech.settings import Settings
from speech.subtitles import from_json
from speech.transcript import Transcript
from speech.whisper_names import further_models, own_names
from speech.words import written_language

CANONICAL = "transcript.json"  # stored by every transcription; all else is rendered from it


def transcription_order(
    service: Service, kind: str, body: TranslationFields, file: FormFile | None
) -> Order:
    """The order of the OpenAI routes: a file or a URL. Raises InvalidRequest("one_input")."""
    assert isinstance(body, TranscriptionBody | TranslationBody)
    stream = isinstance(body, TranscriptionBody) and body.stream
    if stream and body.response_format != "json":
        raise InvalidRequest("stream_needs_json", param="response_format")
    granular = isinstance(body, TranscriptionBody) and body.timestamp_granularities
    if granular and body.response_format != "verbose_json":
        raise InvalidRequest("needs_verbose_json", param="timestamp_granularities")
    _need_subtitles(body, [body.response_format], "response_format")
    place = _place(service, file, {"url": body.url, "upload": body.upload})
    request = _request(service, body, body.response_format, [])
    return Order(order_for(kind, request, place), file, stream=stream)


def transcription_job(
    service: Service, body: TranscriptionJobBody | TranslationJobBody, file: FormFile | None = None
) -> Order:
    """The order of POST /v1/jobs with kind transcription or translation."""
    named = {"url": body.url, "input": body.input, "upload": body.upload}
    place = _place(service, file, named)
    formats = list(dict.fromkeys(body.formats or ["json"]))
    _need_subtitles(body, formats, "formats")
    names = [f"transcript.{one}" for one in formats]
    promised = output_keys(service, body.output, names) if body.output else ()
    request = _request(service, body, "json", formats)
    request |= {"input": body.input} if body.input else {}
    request |= {"seconds": body.seconds} if body.seconds else {}
    new = order_for(
        body.kind, request, place, outputs=promised,
        promised=tuple(names) if promised else (), priority=body.priority, ttl=body.ttl,
        overwrite=body.overwrite,
    )  # fmt: skip
    return Order(new, file)


def plain_transcription(
    service: Service, language: str | None, place: dict[str, Any] | None
) -> NewJob:
    """A transcription with all defaults, as the /transcribe routes ask for it."""
    body = TranscriptionBody(language=language)
    request = _request(service, body, "json", [])
    return order_for("transcription", request | ({"url": place["url"]} if place else {}), place)


def written(service: Service, job: Job) -> Response:
    """A finished job's transcript in the format that its request asked for."""
    granularities = job.request.get("timestamp_granularities") or ["segment"]
    transcript = transcript_of(service, job)
    rules = asked_rules(job, transcript)
    body, content_type = render(transcript, job.request["response_format"], granularities, rules)
    response = Response(body, content_type=content_type)
    response.headers["X-Moksori-Job"] = job.id
    return response


def transcript_of(service: Service, job: Job) -> Transcript:
    """The transcript of a finished job, from its canonical artifact."""
    key = artifact_of(job, CANONICAL).key
    return from_json(json.loads(b"".join(service.storage.open(key))))


def asked_rules(job: Job, transcript: Transcript) -> CueRules:
    """The rules for cues that a job's request asked for, or those of its transcript's language."""
    asked = job.request
    return rules_for(written_language(transcript), asked.get("preset"), asked.get("cue_rules"))


def text_of(service: Service, job: Job) -> str:
    """What was said in a finished job's recording, without a look at storage where the row tells it."""
    told = (job.result or {}).get("text")
    return told if isinstance(told, str) else transcript_of(service, job).text


def language_of(service: Service, job: Job) -> str:
    """The language of a finished job's recording, ISO 639-1."""
    told = (job.result or {}).get("language")
    return told if isinstance(told, str) else transcript_of(service, job).language


def model_names(settings: Settings) -> tuple[str, ...]:
    """What a transcription may be asked of: the configured model by its names, and further ones by theirs."""
    return (*own_names(settings), *further_models(settings))


def _request(
    service: Service, body: TranslationFields, response_format: str, formats: list[str]
) -> dict[str, Any]:
    known = model_names(service.settings)
    if body.model not in known:
        raise InvalidRequest("unknown_model", param="model", given=body.model[:80], known=known)
    heard = body if isinstance(body, TranscriptionFields) else None
    request: dict[str, Any] = {
        "model": body.model,
        "language": parse_language(heard.language) if heard else None,
        "timestamp_granularities": (heard and heard.timestamp_granularities) or [],
        "response_format": response_format,
        "formats": formats,
    }
    cues = {"preset": body.preset, "cue_rules": changes(body.cue_rules), "names": _names(heard)}
    request |= {"lexicon": False} if heard and heard.lexicon is False else {}
    request |= hearing_request(body) | ({"cache": False} if wants_fresh() else {})
    named = {"url": body.url, "upload": body.upload}
    return request | {name: given for name, given in (cues | named).items() if given}


def _names(body: TranscriptionFields | None) -> list[dict[str, Any]]:
    return [name.model_dump() for name in (body and body.names) or ()]


def _need_subtitles(body: TranslationFields, formats: list[str], where: str) -> None:
    """Rules for cues that no file would follow are refused. Raises InvalidRequest("needs_subtitles")."""
    for name in ("preset", "cue_rules"):
        if getattr(body, name) is not None and not {"srt", "vtt"} & set(formats):
            raise InvalidRequest("needs_subtitles", param=name, where=where)


def _place(
    service: Service, file: FormFile | None, named: dict[str, str | None]
) -> dict[str, Any] | None:
    given = {name: text for name, text in named.items() if text is not None}
    if len(given) + (file is not None) != 1:
        raise InvalidRequest("one_input", param="file", allowed=["file", *named])
    for name, text in given.items():
        if name == "upload":
            return uploaded(service, text, name)
        return fetched(text, name) if name == "url" else input_place(service, text, name)
    return None
