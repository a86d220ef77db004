"""/v1/keys: the API keys of the caller's own tenant, for a key with the scope admin."""

from flask import Blueprint, Response, jsonify

from server.bodies import KeyBody
from server.caller import caller
from server.checking import check
from server.contract import JSON, Told, tells
from server.giving import buckets_within, limits_within, seconds_within, within
from server.json_body import read_json
from server.key_shapes import KeyListShape, KeyShape, NewKeyShape
from server.service import Service, here, tenant
from speech import access
from speech.access import Limits, NewKey

routes = Blueprint("keys", __name__)


@routes.post("/v1/keys")
@tells(Told(body={JSON: (KeyBody,)}, answers={201: NewKeyShape}, scope="admin"))
def create() -> tuple[Response, int]:
    """Make a key that may do no more than the key that asks; its text is shown this once."""
    service = here()
    new = _new(service, check(KeyBody, read_json(service.settings.json_max_bytes)))
    key, text = access.create(service.store.db, new)
    response = jsonify(key.shown() | {"key": text})
    response.headers["Cache-Control"] = "no-store"
    return response, 201


@routes.get("/v1/keys")
@tells(Told(answers={200: KeyListShape}, scope="admin"))
def listed() -> Response:
    """List the tenant's keys, oldest first, without their secrets."""
    data = [key.shown() for key in access.listed(here().store.db, tenant())]
    return jsonify({"object": "list", "data": data, "has_more": False, "next": None})


@routes.delete("/v1/keys/<key_id>")
@tells(Told(answers={200: KeyShape}, scope="admin"))
def revoke(key_id: str) -> Response:
    """Revoke a key of the tenant, and all tokens made with it, from now on and for good."""
    return jsonify(access.revoke(here().store.db, key_id, tenant()).shown())


def _new(service: Service, body: KeyBody) -> NewKey:
    who = caller()
    ends = who.key.expires if who.key else None
    own = who.key.limits if who.key else Limits()
    given = Limits(body.requests_per_minute, body.queued_jobs, body.audio_seconds_per_day)
    return NewKey(
        name=body.name,
        tenant=who.tenant,
        scopes=within(body.scopes, who.scopes, "scopes") or (),
        members=within(body.members, who.members, "members"),
        buckets=buckets_within(body.buckets, who.buckets),
        limits=limits_within(given, own, own.or_default(service.settings)),
        lasts=seconds_within(body.expires_in, _left(service, ends)),
        until=ends,
    )


def _left(service: Service, ends: float | None) -> float | None:
    if ends is None:
        return None
    db = service.store.db
    with db.read() as connection:
        return ends - db.now(connection)
