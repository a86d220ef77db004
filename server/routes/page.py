"""GET /: the page to a browser, a few words of JSON to a client that asks for JSON."""

from pathlib import Path

from flask import Blueprint, Response, jsonify, request, send_file

from server.contract import Told, tells
from server.shapes import WelcomeShape
from server.version import VERSION

routes = Blueprint("page", __name__)
PAGE = Path(__file__).resolve().parent.parent.parent / "web" / "index.html"
LINKS = {"docs": "/docs", "openapi": "/openapi.json", "health": "/health", "jobs": "/v1/jobs"}


@routes.get("/")
@tells(Told(answers={200: WelcomeShape}))
def page() -> Response:
    """Show the page; a client whose Accept prefers JSON gets JSON."""
    accepted = request.accept_mimetypes
    if accepted["application/json"] > accepted["text/html"]:
        response = jsonify({"name": "Moksori", "version": VERSION, "links": LINKS})
    else:
        response = send_file(PAGE, mimetype="text/html; charset=utf-8", max_age=0)
    response.vary.add("Accept")
    return response
