"""Waiting for jobs: how many may wait at once, and for how long. A wait holds a thread, no connection.

A client that hangs up ends its own wait and nothing else: the job goes on.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from speech.errors import Busy, TimedOut, Unavailable
from speech.jobs import Job
from speech.store import JobStore
from speech.watch import Watch

LOOK_EVERY = 2.0  # seconds; an event may be lost, the row is the truth
COMMENT_EVERY = 15.0  # seconds; proxies close a stream that is silent for longer
PATIENCE = 20.0  # seconds of a store that does not answer which a wait sits out


class HungUp(Exception):
    """The client is gone; nobody will read an answer."""


class Cap:
    """At most `limit` at once. Raises Busy of this code."""

    def __init__(self, limit: int, code: str = "too_many_waiting") -> None:
        self.limit, self.code = limit, code
        self._free = threading.BoundedSemaphore(limit) if limit > 0 else None

    def take(self) -> None:
        """Take a place, to be given back with `give`."""
        if self._free is None or not self._free.acquire(blocking=False):
            raise Busy(self.code, limit=self.limit)

    def give(self) -> None:
        """Give a place back."""
        assert self._free is not None
        self._free.release()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for the length of a block."""
        self.take()
        try:
            yield
        finally:
            self.give()


class Waits(Cap):
    """Requests that wait for a job to end."""

    def __init__(
        self, store: JobStore, watch: Watch, limit: int, timeout: float, stopping: threading.Event
    ) -> None:
        super().__init__(limit)
        self.store, self.watch, self.timeout, self.stopping = store, watch, timeout, stopping

    def until_final(self, job: Job, client: Any = None) -> Job:
        """The job once it has ended; `client` is the socket to watch for a hang-up.

        Raises TimedOut("wait_timeout"), Unavailable or HungUp; each leaves the job as it is.
        """
        deadline = seen = time.monotonic()
        deadline += self.timeout
        with self.watch.on(job.id) as changed:
            while True:
                changed.clear()
                try:
                    job, seen = self.store.get(job.id, job.tenant), time.monotonic()
                except Unavailable:
                    if time.monotonic() - seen > PATIENCE:
                        raise
                if job.final:
                    return job
                self._pause(changed, deadline, client)

    def _pause(self, changed: threading.Event, deadline: float, client: Any) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOut("wait_timeout", seconds=self.timeout)
        changed.wait(min(LOOK_EVERY, left))
        if self.stopping.is_set():
            raise Unavailable("server_stopping")
        if hung_up(client):
            raise HungUp


class Streams(Cap):
    """Open event streams."""

    def __init__(
        self, store: JobStore, watch: Watch, limit: int, stopping: threading.Event
    ) -> None:
        super().__init__(limit)
        self.store, self.watch, self.stopping = store, watch, stopping


def hung_up(client: Any) -> bool:
    """True when the other side of a connection has closed it; False when that cannot be told."""
    if client is None:
        return False
    try:
        return bool(client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"")
    except (BlockingIOError, ValueError):
        return False  # nothing to read: still there; TLS sockets cannot peek
    except OSError:
        return True


def client_socket(environ: dict[str, Any]) -> Any:
    """The connection of a request, where the server shows it."""
    return environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
