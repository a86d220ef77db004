"""POST /v1/tokens: a short-lived part of a key's rights, for a browser that must not hold the key."""

from flask import Blueprint, Response, jsonify

from server.bodies import TokenBody
from server.caller import caller
from server.checking import check
from server.contract import JSON, Told, tells
from server.giving import within
from server.json_body import read_json
from server.key_shapes import TokenShape
from server.service import here
from speech.access import SCOPES
from speech.errors import Forbidden
from speech.jobs import rfc3339
from speech.tokens import LONGEST

routes = Blueprint("tokens", __name__)


@routes.post("/v1/tokens")
@tells(Told(body={JSON: (TokenBody,)}, answers={201: TokenShape}, scope=SCOPES))
def create() -> tuple[Response, int]:
    """Make a token with some of the key's scopes and members; it ends by itself, or with its key."""
    service, who = here(), caller()
    body = check(TokenBody, read_json(service.settings.json_max_bytes))
    if who.key is None or who.token:
        raise Forbidden("key_needed")
    scopes = within(body.scopes, who.scopes, "scopes") or ()
    members = within(body.members, who.members, "members")
    seconds = body.seconds or min(service.settings.token_ttl, LONGEST)
    text, token = service.tokens.mint(who.key.id, scopes, members, seconds)
    made = {"object": "token", "token": text, "scopes": token.scopes, "members": token.members}
    return jsonify(made | {"expires_at": rfc3339(token.expires)}), 201
