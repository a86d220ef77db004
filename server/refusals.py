"""What gunicorn refuses before the app sees it (a request line too long, a broken header), in the one error shape.

gunicorn has no setting for it: its workers call `gunicorn.util.write_error`, which writes a page of HTML.
"""

import json
from http import HTTPStatus
from socket import socket

from gunicorn import util

from server.errors import body_of
from speech.messages import say

CODES = {414: "request_line_too_long", 431: "headers_too_large"}


def answer_in_one_shape() -> None:
    """From now on; for this process."""
    util.write_error = _write


def _write(client: socket, status: int, reason: str, message: str) -> None:
    """`message` is gunicorn's own, which is for its log: it repeats what the client sent."""
    code = CODES.get(
        status, "bad_request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    )
    body = json.dumps(body_of(status, code, say(code, "en"), None)).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode("latin-1") + body)
