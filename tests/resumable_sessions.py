"""What Google promises of resumable upload sessions, kept in front of fake-gcs-server, which does not.

The fake takes a question for the end of the upload, appends what it has already, and knows no cancelled sessions.
https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

import re
from dataclasses import dataclass, field

import urllib3

PAGES = {  # a session's answers may be read by pages, whatever the bucket's rules say
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "PUT",
    "Access-Control-Allow-Headers": "content-range",
    "Access-Control-Expose-Headers": "Range",
}
GRAIN = 262_144  # bytes; a piece that is not the last is kept in whole multiples of it


@dataclass
class Answer:
    """What a session says."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""


@dataclass
class Sessions:
    """The sessions of the store at `target`, by their path."""

    target: str
    pool: urllib3.PoolManager
    received: dict[str, int] = field(default_factory=dict)
    ended: dict[str, Answer] = field(default_factory=dict)

    def take(self, path: str, told: str, body: bytes, most: int) -> Answer:
        """A PUT; at most `most` bytes of its body are kept, and a piece that broke off in whole multiples."""
        if path in self.ended:
            return self.ended[path]
        have = self.received.setdefault(path, 0)
        found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", told)
        if found is None:
            return Answer(400)
        if found[1] is None:
            return self._incomplete(path)
        start, total = int(found[1]), int(found[3])
        if start > have:
            return Answer(503, data=b"the upload offset exceeds already uploaded size")
        fresh = body[have - start :][:most]
        if have + len(fresh) < total:
            fresh = fresh[: (have + len(fresh)) // GRAIN * GRAIN - have]
        return self._pass_on(path, have, fresh, total) if fresh else self._incomplete(path)

    def cancel(self, path: str) -> Answer:
        """A DELETE."""
        self.ended[path] = Answer(499)
        return self.ended[path]

    def _pass_on(self, path: str, have: int, fresh: bytes, total: int) -> Answer:
        self.received[path] = end = have + len(fresh)
        told = {"Content-Range": f"bytes {have}-{end - 1}/{total}"}
        answer = self.pool.request(
            "PUT", self.target + path, body=fresh, headers=told, redirect=False
        )
        if end < total:
            assert answer.status == 308, answer.data
            return self._incomplete(path)
        assert answer.status == 200, answer.data
        self.ended[path] = Answer(200, {"Content-Type": "application/json"}, answer.data)
        return self.ended[path]

    def _incomplete(self, path: str) -> Answer:
        have = self.received[path]
        return Answer(308, {"Range": f"bytes=0-{have - 1}"} if have else {})
