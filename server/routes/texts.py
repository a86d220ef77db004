"""POST /api/texts: the React team's call. A text and its ids in; the same ids and the sound's URL out."""

import re
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify

from server.accepting import once_by, respond
from server.bodies import TextsBody
from server.checking import check
from server.contract import JSON, Told, tells
from server.errors import JobFailed
from server.json_body import read_json
from server.orders import Order, check_spoken, order_for
from server.service import Service, here, tenant
from server.shapes import JobShape, TextsShape
from server.speeches import need_voice, speech_request
from speech.errors import InvalidRequest
from speech.jobs import DEFAULT_TENANT, Job
from speech.voices import MODEL_ALIASES

routes = Blueprint("texts", __name__)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


@routes.post("/api/texts")
@tells(
    Told(
        body={JSON: (TextsBody,)},
        answers={200: TextsShape, 202: JobShape},
        makes_job=True,
        waits=True,
        scope="speak",
    )
)
def texts() -> Response:
    """Speak a text with a member's voice; answers the ids as they came, with the URL of the WAV."""
    service = here()
    sent: dict[str, Any] = {}

    def order(_asynchronous: bool) -> Order:
        sent.update(read_json(service.settings.json_max_bytes))
        return _order(service, check(TextsBody, sent))

    try:
        return respond(order, lambda job: _answer(service, sent, job))
    except JobFailed as failed:
        failed.spelled["input"] = "text"
        raise


def _order(service: Service, body: TextsBody) -> Order:
    name, day = _uuid(body.uuid), _day(body.created_at)
    voice = service.voices.by_member(body.member_id, "member_id")
    need_voice(service, voice, "member_id")
    check_spoken(body.text, service.settings.text_max_characters, "text")
    key = f"{_start()}wav_files/{voice.member}/{name}_{day}_voice.wav"
    request = speech_request(body.text, voice, MODEL_ALIASES[0], 1.0, "wav", ["wav"])
    new = order_for("speech", request, outputs=(key,), promised=("speech.wav",))
    return once_by(f"texts:{name}", Order(new), "uuid_taken")


def _start() -> str:
    """The default tenant owns wav_files/; another's stand under its own prefix."""
    return "" if tenant() == DEFAULT_TENANT else f"t/{tenant()}/"


def _uuid(text: str) -> str:
    if not _UUID.match(text):
        raise InvalidRequest("bad_uuid", param="uuid")
    return str(UUID(text))


def _day(text: str) -> str:
    try:
        if _DATE.match(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise InvalidRequest("bad_date", param="created_at")


def _answer(service: Service, sent: dict[str, Any], job: Job) -> Response:
    key = job.outputs[0]
    # The whole object name, not its last part: the URL is to contain it.
    url = service.storage.url(key, key, "audio/wav", service.settings.link_ttl)
    ids = {name: sent[name] for name in ("uuid", "member_id", "created_at")}
    response = jsonify(ids | {"url": url, "job_id": job.id})
    response.headers["X-Moksori-Job"] = job.id
    return response
