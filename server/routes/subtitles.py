"""POST /v1/subtitles:lint: any SRT or WebVTT file held against the rules for cues."""

from flask import Blueprint, Response, jsonify

from server.checking import check
from server.contract import FORM, JSON, Told, tells
from server.cue_bodies import LintBody, LintFileBody, changes
from server.errors import language
from server.form_body import is_form, read_form
from server.json_body import check_text, read_json
from server.lint_json import lint_json
from server.service import here
from server.transcript_shapes import LintShape
from speech.access import SCOPES
from speech.cue_rules import rules_for
from speech.errors import InvalidRequest
from speech.subtitle_file import Fault, SubtitleFile, decode, read

routes = Blueprint("subtitles", __name__)


@routes.post("/v1/subtitles:lint")
@tells(
    Told(body={JSON: (LintBody,), FORM: (LintFileBody,)}, answers={200: LintShape}, scope=SCOPES)
)
def lint() -> Response:
    """Check subtitles, SRT or WebVTT, and say which cue on which line breaks which rule."""
    body, file = _asked()
    preset = body.preset or "korean"
    rules = rules_for("ko", preset, changes(body.cue_rules))
    return jsonify(lint_json(file, preset, rules, language()))


def _asked() -> tuple[LintFileBody, SubtitleFile]:
    limit = here().settings.json_max_bytes
    if not is_form():
        body = check(LintBody, read_json(2 * limit))  # JSON doubles what it escapes
        return body, read(body.text)
    form = read_form(limit)
    fields = check(LintFileBody, form.fields, strings=True)
    if form.file is None:
        raise InvalidRequest("missing_field", param="file")
    form.file.seek(0)
    return fields, _read(form.file.read())


def _read(data: bytes) -> SubtitleFile:
    """A file's cues; another encoding than UTF-8 is a fault. Raises InvalidRequest("bad_text")."""
    try:
        text, encoding = decode(data)
    except UnicodeDecodeError:
        raise InvalidRequest("bad_text", param="file") from None
    check_text(text, "file")
    found = read(text)
    if encoding != "utf-8":
        found.faults.append(Fault(1, "encoding", encoding))
    return found
