"""Which bytes of an upload a request brings: Google's reading of Content-Range on PUT."""

import re
from dataclasses import dataclass

from flask import request

from speech.errors import InvalidRequest

_RANGE = re.compile(r"bytes (?:([0-9]{1,15})-([0-9]{1,15})|\*)/([0-9]{1,15}|\*)")


@dataclass(frozen=True)
class Span:
    """The bytes [start, end) of a file."""

    start: int
    end: int


def read_span(size: int) -> Span | None:
    """What this request brings of a file of `size` bytes; None: nothing, it asks how much is there.

    Without Content-Range it is the whole file. Raises InvalidRequest("upload_range_invalid").
    """
    told, length = request.headers.get("Content-Range"), request.content_length
    found = _RANGE.fullmatch(told) if told is not None else None
    if told is not None and (found is None or found[3] not in {"*", str(size)}):
        raise InvalidRequest("upload_range_invalid", param="Content-Range", bytes=size)
    if found is not None and found[1] is None:
        span = None
    else:
        span = Span(int(found[1]), int(found[2]) + 1) if found else Span(0, size)
    if not _fits(span, size, length):
        raise InvalidRequest("upload_range_invalid", param="Content-Range", bytes=size)
    return span


def _fits(span: Span | None, size: int, length: int | None) -> bool:
    """`length` is None for a chunked body, which is counted as it comes."""
    if span is None:
        return not length
    return span.start < span.end <= size and length in (None, span.end - span.start)
