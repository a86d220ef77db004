"""What can be asked for: models with their aliases, and voices."""

from typing import Any

from flask import Blueprint, Response, jsonify

from server.caller import caller
from server.contract import Told, tells
from server.service import here
from server.shapes import ModelListShape, ModelShape, VoiceListShape
from server.transcripts import model_names
from speech import ledger
from speech.access import SCOPES
from speech.errors import NotFound
from speech.voices import MODEL_ALIASES, Voice

routes = Blueprint("models", __name__)


@routes.get("/v1/models")
@tells(Told(answers={200: ModelListShape}, scope=SCOPES))
def models() -> Response:
    """List every model name and alias that a request may use."""
    return jsonify({"object": "list", "data": [_model(name) for name in _names()]})


@routes.get("/v1/models/<name>")
@tells(Told(answers={200: ModelShape}, scope=SCOPES))
def model(name: str) -> Response:
    """Show one model."""
    if name not in _names():
        raise NotFound("model_not_found", given=name[:80], known=list(_names()))
    return jsonify(_model(name))


@routes.get("/v1/audio/voices")
@tells(Told(answers={200: VoiceListShape}, scope=SCOPES))
def voices() -> Response:
    """List the members' voices that the caller may use."""
    with here().store.db.read() as connection:
        gone = ledger.revoked(connection)
    mine = [
        voice
        for voice in here().voices
        if voice.member not in gone and caller().may_speak(voice.member)
    ]
    return jsonify({"object": "list", "data": [_voice(voice) for voice in mine]})


def _names() -> tuple[str, ...]:
    return (*MODEL_ALIASES, *model_names(here().settings))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "moksori"}


def _voice(voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.slug,
        "object": "voice",
        "member": voice.member,
        "slug": voice.slug,
        "name": voice.name,
        "aliases": list(voice.aliases),
        "language": voice.language,
        "sample_rate_hz": voice.rate,
        "version": voice.version,
    }
