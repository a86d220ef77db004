"""Errors as answers: OpenAI's shape, a status for each class, the reader's language, and a request id."""

import logging
import re
import uuid
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from server.waiting import HungUp
from speech import errors
from speech.errors import Language, SpeechError
from speech.jobs import Job
from speech.messages import MESSAGES, say

log = logging.getLogger(__name__)

STATUS: dict[type[SpeechError], int] = {
    errors.InvalidRequest: 400,
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.BadMedia: 400,
    errors.LimitReached: 429,
    errors.Busy: 503,
    errors.Unavailable: 503,
    errors.TimedOut: 504,
    errors.Internal: 500,
    SpeechError: 500,
}
STATUS_OF_CODE = {
    "idempotency_mismatch": 422,
    "not_json": 415,
    "foreign_origin": 403,
    "storage_full": 507,
}
# A job that failed over its input is a bad request whatever the input's fault was.
STATUS_OF_FAILED = STATUS | {errors.NotFound: 400, errors.Gone: 400, errors.TooLarge: 400}
RETRY_AFTER = {errors.Busy: 2, errors.Unavailable: 5}  # seconds
CODE_OF_HTTP = {404: "route_not_found", 405: "method_not_allowed", 413: "body_too_large"}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class JobFailed(Exception):
    """A job that a caller waited for did not succeed."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.spelled: dict[str, str] = {}  # fields of the job to what this route calls them
        super().__init__(job.id)


def language() -> Language:
    """The language of messages for this request: Korean where Accept-Language prefers it."""
    return "ko" if request.accept_languages.best_match(["en", "ko"]) == "ko" else "en"


def status_of(error: SpeechError) -> int:
    """The HTTP status of an error; a name in the body that nothing answers to is a bad body, not a 404."""
    if isinstance(error, errors.NotFound) and error.param is not None:
        return 400
    if error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    return _by_class(type(error), STATUS)


def failed_status(error: Mapping[str, Any]) -> int:
    """The HTTP status for the stored error of a job that somebody waited for."""
    kind = getattr(errors, str(error.get("class")), SpeechError)
    return _by_class(kind, STATUS_OF_FAILED)


def stored_message(error: Mapping[str, Any], to: Language) -> str:
    """The sentence of a stored error; a code that this version does not know reads as `internal`."""
    code = error["code"] if error["code"] in MESSAGES else "internal"
    return say(code, to, param=error.get("param"), **error.get("fields", {}))


def shape(status: int, code: str, message: str, param: str | None) -> Response:
    """The one error shape."""
    response = jsonify(body_of(status, code, message, param))
    response.status_code = status
    return response


def error_body(error: SpeechError | JobFailed, to: Language) -> dict[str, Any]:
    """The one error shape as an event of a stream, whose status was sent long ago."""
    if isinstance(error, JobFailed):
        told = told_error(error)
        message = stored_message(told, to)
        return body_of(failed_status(told), told["code"], message, told["param"])
    return body_of(status_of(error), error.code, error.message(to), error.param)


def told_error(failed: JobFailed) -> dict[str, Any]:
    """The stored error of a job that did not succeed, its field named as the caller knows it."""
    told = dict(failed.job.error or {"code": "job_cancelled", "class": "Conflict"})
    told["param"] = failed.spelled.get(told.get("param") or "", told.get("param"))
    return told


def body_of(status: int, code: str, message: str, param: str | None) -> dict[str, Any]:
    """The one error shape, for any HTTP status."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "code": code, "param": param}}


def register(app: Flask) -> None:
    """Make every error of the app answer in this shape, and give every answer a request id."""
    app.register_error_handler(SpeechError, _speech)
    app.register_error_handler(JobFailed, _job)
    app.register_error_handler(HungUp, lambda _error: Response(status=499))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unknown)
    app.before_request(_name_request)
    app.after_request(_show_request)


def _speech(error: SpeechError) -> Response:
    status = status_of(error)
    if status == 500:
        log.error("request %s: %s", g.request_id, error.code, exc_info=error)
    response = shape(status, error.code, error.message(language()), error.param)
    for kind, seconds in RETRY_AFTER.items():
        if isinstance(error, kind):
            response.headers["Retry-After"] = str(seconds)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        response.headers["Retry-After"] = str(error.fields["seconds"])
    if job_id := getattr(error, "job_id", None):
        response.headers["Location"] = f"/v1/jobs/{job_id}"
        response.headers["X-Moksori-Job"] = job_id
    if status in (409, 504):
        # OpenAI's clients repeat these by themselves, which would make a second job.
        response.headers["x-should-retry"] = "false"
    if (version := error.fields.get("version")) is not None:
        response.headers["X-Moksori-Version"] = str(version)
    return response


def _job(error: JobFailed) -> Response:
    job, told = error.job, told_error(error)
    status = failed_status(told)
    response = shape(status, told["code"], stored_message(told, language()), told["param"])
    response.headers["X-Moksori-Job"] = job.id
    response.headers["x-should-retry"] = "true" if status == 503 else "false"
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER[errors.Unavailable])
    return response


def _http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    code = CODE_OF_HTTP.get(error.code, "bad_request" if error.code < 500 else "internal")
    response = shape(error.code, code, say(code, language(), path=request.path), None)
    for name, value in error.get_headers(None, None):
        if name == "Allow":
            response.headers[name] = value
    return response


def _unknown(error: Exception) -> Response:
    log.error("request %s: %s %s", g.request_id, request.method, request.path, exc_info=error)
    return shape(500, "internal", say("internal", language()), None)


def _name_request() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.match(given) else str(uuid.uuid4())


def _show_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id") or str(uuid.uuid4())
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _by_class(kind: type, table: Mapping[type[SpeechError], int]) -> int:
    return next(table[base] for base in kind.__mro__ if base in table)
