"""/v1/voices: the ledger of voices, and a member who takes one back; for an admin of the default tenant."""

from flask import Blueprint, Response, jsonify

from server.caller import caller
from server.contract import Told, tells
from server.service import here
from server.speech_shapes import LedgerShape, RevokedShape
from speech import ledger, revoking
from speech.errors import Forbidden
from speech.jobs import DEFAULT_TENANT

routes = Blueprint("voices", __name__)


@routes.get("/v1/voices")
@tells(Told(answers={200: LedgerShape}, scope="admin"))
def listed() -> Response:
    """List every version of a voice that was ever loaded, with its checksums and what its member agreed to."""
    _operator()
    with here().store.db.read() as connection:
        return jsonify({"object": "list", "data": ledger.listed(connection)})


@routes.post("/v1/voices/<member>/revoke")
@tells(Told(answers={200: RevokedShape}, scope="admin"))
def revoke(member: str) -> Response:
    """Take a member's voice back: no new jobs, queued ones cancelled, all that it said removed."""
    _operator()
    service = here()
    voice = service.voices.find(member, "member")
    caller().need_member(voice.member, "member")
    key = caller().key
    by = f"key {key.id}" if key else "no key"
    report = revoking.revoke(service.store, service.storage, voice.member, by)
    return jsonify({"member": voice.member, **report.shown()})


def _operator() -> None:
    """Voices are every tenant's. Raises Forbidden("operator_only")."""
    if caller().tenant != DEFAULT_TENANT:
        raise Forbidden("operator_only")
