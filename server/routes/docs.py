"""The contract (/openapi.json) and a page to read and try it (/docs), both without a network."""

from pathlib import Path

from flask import Blueprint, Response, current_app, jsonify, send_from_directory
from swagger_ui_bundle import swagger_ui_path
from werkzeug.exceptions import NotFound

from server.contract import Told, tells
from server.openapi import document
from server.service import here

routes = Blueprint("docs", __name__)
FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Moksori API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs"})</script>
"""


@routes.get("/openapi.json")
@tells(Told(answers={200: "application/json"}, open=True))
def openapi() -> Response:
    """Answer this contract."""
    return jsonify(document(current_app, here().settings))


@routes.get("/docs")
@tells(Told(answers={200: "text/html"}, open=True))
def docs() -> Response:
    """Show the contract as a page."""
    return Response(PAGE, content_type="text/html; charset=utf-8")


@routes.get("/docs/<name>")
@tells(Told(answers={200: "application/octet-stream"}, open=True))
def part(name: str) -> Response:
    """Answer a file of that page."""
    if name not in FILES:
        raise NotFound
    return send_from_directory(Path(swagger_ui_path), name, max_age=86_400)
