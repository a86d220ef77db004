"""JSON bodies, read strictly: a size limit that holds for chunked ones too, no doubled keys, no NaN, sound text."""

import json
import math
from collections.abc import Iterator
from typing import Any

from flask import request

from speech.errors import InvalidRequest, TooLarge


def read_json(limit: int) -> dict[str, Any]:
    """The body as a JSON object.

    Raises InvalidRequest("not_json"), ("broken_json"), ("not_an_object"), ("bad_text"), TooLarge("body_too_large").
    """
    if request.mimetype != "application/json":
        raise InvalidRequest("not_json", found=request.mimetype or "none")
    value = parse(_bytes(limit))
    if not isinstance(value, dict):
        raise InvalidRequest("not_an_object")
    return value


def _bytes(limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise TooLarge("body_too_large", limit=limit)
    # Werkzeug cuts a chunked body at its limit and says nothing; one byte more tells it.
    request.max_content_length = limit + 1
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        raise TooLarge("body_too_large", limit=limit)
    return body


def parse(body: bytes) -> Any:
    """Any JSON value. Errors as read_json."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_refuse,
            parse_float=_finite,
        )
    except RecursionError:
        raise InvalidRequest("broken_json", reason="nested too deeply") from None
    except ValueError as error:
        raise InvalidRequest("broken_json", reason=str(error)[:200]) from None
    for text in _texts(value):
        check_text(text)
    return value


def check_text(text: str, param: str | None = None) -> None:
    """Refuse what no text file can hold: half a surrogate pair, or NUL. Raises InvalidRequest("bad_text")."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidRequest("bad_text", param=param) from None
    if "\0" in text:
        raise InvalidRequest("bad_text", param=param)


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number
