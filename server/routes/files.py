"""GET and HEAD of our own links: /files/{token}/{name}, with ranges, validators and a limited life."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import Range
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from server.contract import Told, tells
from speech.errors import Gone, InvalidRequest, NotFound
from speech.links import Link, Links, disposition
from speech.storage import Storage, StoredObject


def files_routes(
    storage: Storage, links: Links, is_gone: Callable[[str], bool] = lambda _key: False
) -> Blueprint:
    """The blueprint that serves links; the token alone decides, the name in the path is decoration.

    `is_gone` tells of a key without an object whether there was one. Raises NotFound("link_invalid"),
    NotFound("link_expired"), NotFound("object_not_found") and Gone("file_gone").
    """
    routes = Blueprint("files", __name__)

    @routes.get("/files/<token>/<path:name>")
    @tells(Told(open=True))
    def file(token: str, name: str) -> Response:
        link = links.read(token)
        found = storage.stat(link.key)
        if found is None:
            raise Gone("file_gone") if is_gone(link.key) else NotFound("object_not_found")
        try:
            response = _headed(link, found, links.seconds_left(link))
        except RequestedRangeNotSatisfiable:
            return _outside(found.size)
        return _filled(response, storage, link.key)

    return routes


def _headed(link: Link, found: StoredObject, seconds: int) -> Response:
    response = Response(content_type=link.content_type)
    response.content_length = found.size
    response.set_etag(found.etag)
    response.headers["Cache-Control"] = f"private, immutable, max-age={seconds}"
    response.headers["Content-Disposition"] = disposition(link.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    environ = {**request.environ, "HTTP_RANGE": _asked_range(found) or ""}
    if not environ["HTTP_RANGE"]:
        del environ["HTTP_RANGE"]
    response.make_conditional(environ, accept_ranges=True, complete_length=found.size)
    return response


def _asked_range(found: StoredObject) -> str | None:
    """The one range to honour, or None for the whole file (RFC 9110 section 14.2).

    Ranges of other verbs and units, several at once and malformed ones are ignored, and a validator that
    still holds comes before them; Werkzeug answers 416 to the first and 206 to the last.
    """
    asked = request.range
    if request.method != "GET" or asked is None:
        return None
    if request.if_none_match.contains_weak(found.etag):
        return None
    if asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    start, end = asked.ranges[0]
    return Range("bytes", [(max(start, -found.size), end)]).to_header()


def _filled(response: Response, storage: Storage, key: str) -> Response:
    if request.method != "GET" or response.status_code not in (200, 206):
        return response
    span = response.content_range
    ranged = response.status_code == 206
    response.response = storage.open(key, *((span.start or 0, span.stop) if ranged else ()))
    return response


def _outside(size: int) -> Response:
    error = InvalidRequest("range_not_satisfiable", size=size)
    language: Any = request.accept_languages.best_match(["en", "ko"]) or "en"
    body = {
        "message": error.message(language),
        "type": "invalid_request_error",
        "code": error.code,
        "param": None,
    }
    response = jsonify(error=body)
    response.status_code = 416
    response.headers["Content-Range"] = f"bytes */{size}"
    response.headers["Accept-Ranges"] = "bytes"
    return response
