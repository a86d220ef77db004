"""A client of Google's resumable upload protocol that does not give up: after each break it asks, and goes on."""

import time

import requests


def send(url: str, data: bytes, piece: int, seconds: float = 30.0) -> int:
    """Upload `data` in pieces; the count of pieces that it took."""
    at, pieces, deadline = 0, 0, time.monotonic() + seconds
    while at < len(data):
        assert time.monotonic() < deadline, f"{at} of {len(data)} bytes after {seconds} s"
        answer, pieces = _put(url, data, at, min(at + piece, len(data))), pieces + 1
        if answer is None or answer.status_code >= 500:
            answer = ask(url, len(data), deadline)
        if answer.status_code in (200, 201):
            return pieces
        at = safe(answer)
    raise AssertionError("every byte is safe, and the file is not whole")


def safe(answer: requests.Response) -> int:
    """How many bytes a 308 says are safe."""
    assert answer.status_code == 308, answer.text
    return int(answer.headers.get("Range", "bytes=0--1").removeprefix("bytes=0-")) + 1


def ask(url: str, size: int, deadline: float) -> requests.Response:
    """Ask until there is an answer."""
    while True:
        answer = _request(url, b"", f"bytes */{size}")
        if answer is not None and answer.status_code < 500:
            return answer
        assert time.monotonic() < deadline, "no answer to a question"


def _put(url: str, data: bytes, start: int, end: int) -> requests.Response | None:
    return _request(url, data[start:end], f"bytes {start}-{end - 1}/{len(data)}")


def _request(url: str, body: bytes, told: str) -> requests.Response | None:
    headers = {"Content-Range": told}
    try:
        return requests.put(url, data=body, headers=headers, timeout=5, allow_redirects=False)
    except requests.RequestException:
        return None
