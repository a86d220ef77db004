"""GET /: the page to a browser, a few words of JSON to a client that asks for JSON."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request

from server.contract import Told, tells
from server.page_policy import page_policy
from server.service import here
from server.shapes import WelcomeShape
from server.version import VERSION

routes = Blueprint("page", __name__)
PAGE = Path(__file__).resolve().parent.parent.parent / "web" / "index.html"
LINKS = {"docs": "/docs", "openapi": "/openapi.json", "health": "/health", "jobs": "/v1/jobs"}


@routes.get("/")
@tells(Told(answers={200: WelcomeShape}, open=True))
def page() -> Response:
    """Show the page; a client whose Accept prefers JSON gets JSON."""
    accepted = request.accept_mimetypes
    if accepted["application/json"] > accepted["text/html"]:
        welcome = {"name": "Moksori", "version": VERSION, "links": LINKS, "limits": _limits()}
        response = jsonify(welcome)
    else:
        response = _html()
    response.vary.add("Accept")
    return response


def _html() -> Response:
    # Read on each call, so that the policy's hashes are those of the very bytes that are sent.
    html = PAGE.read_text("utf-8")
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = page_policy(html, here().settings)
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response


def _limits() -> dict[str, Any]:
    settings = here().settings
    return {
        "text_characters": settings.job_text_max_characters,
        "upload_bytes": settings.upload_max_bytes,
        "audio_seconds": settings.audio_max_seconds,
    }
