"""A job followed while it runs, as the body of an answer: what a call that streams is built on."""

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Generic, TypeVar

from flask import Response, request

from server.caller import caller
from server.errors import JobFailed, language
from server.service import Service
from server.waiting import COMMENT_EVERY, LOOK_EVERY, PATIENCE, HungUp, client_socket, hung_up
from speech.errors import Language, NotFound, SpeechError, TimedOut, Unavailable
from speech.jobs import Job

Chunk = TypeVar("Chunk", str, bytes)
EVENTS = "text/event-stream; charset=utf-8"


class Following(ABC, Generic[Chunk]):
    """Yields what is new of a job until it has ended; gives its place among the streams back when closed.

    What goes wrong before the first chunk is raised, as by a call that waits; afterwards `told` decides.
    """

    comment: Chunk | None = None  # sent when there is nothing to say for long

    def __init__(self, service: Service, job: Job, to: Language, client: Any = None) -> None:
        self.service, self.job, self.to = service, job, to
        self.begun = False
        self._caller, self._client, self._closed = caller(), client, False
        self._chunks: Generator[Chunk, None, None] = self._follow()
        self._first: list[Chunk] = []
        self._outage: Unavailable | None = None  # of store or storage, since `_late`
        self._late = 0.0

    @abstractmethod
    def news(self) -> Iterator[Chunk]:
        """What has become ready since the last time."""

    @abstractmethod
    def end(self) -> Iterator[Chunk]:
        """What comes last, after the job has succeeded."""

    @abstractmethod
    def told(self, error: SpeechError | JobFailed) -> Chunk:
        """An error as a chunk; raises it where there is no way to tell."""

    def begin(self) -> None:
        """Wait for the first chunk. Raises JobFailed, TimedOut, Unavailable or HungUp."""
        self._first = list(islice(self._chunks, 1))

    def __iter__(self) -> Iterator[Chunk]:
        yield from self._first
        yield from self._chunks

    def close(self) -> None:
        """End the stream."""
        if not self._closed:
            self._closed = True
            self._chunks.close()
            self.service.streams.give()

    def _follow(self) -> Generator[Chunk, None, None]:
        said = time.monotonic()
        deadline = said + self.service.settings.wait_timeout
        with self.service.streams.watch.on(self.job.id) as changed:
            while True:
                changed.clear()
                for chunk in self._look():
                    self.begun, said = True, time.monotonic()
                    yield chunk
                if self.job.final and not self._outage:
                    yield from self._last()
                    return
                left = LOOK_EVERY if self.begun else deadline - time.monotonic()
                changed.wait(max(0.0, min(LOOK_EVERY, left)))
                if trouble := self._trouble(deadline):
                    yield self.told(trouble)
                    return
                if self.comment and self.begun and time.monotonic() - said > COMMENT_EVERY:
                    said = time.monotonic()
                    yield self.comment

    def _look(self) -> Iterator[Chunk]:
        """The news; a store or storage that does not answer has none for now."""
        try:
            self.job = self.service.store.get(self.job.id, self.job.tenant)
            yield from self.news()
            self._outage = None
        except Unavailable as error:
            self._late = self._late if self._outage else time.monotonic()
            self._outage = error
        except NotFound:  # erased meanwhile
            self.job = replace(self.job, state="cancelled")

    def _last(self) -> Iterator[Chunk]:
        if self.job.state == "succeeded":
            yield from self.end()
        elif self.begun:
            yield self.told(JobFailed(self.job))
        else:
            raise JobFailed(self.job)

    def _trouble(self, deadline: float) -> SpeechError | None:
        """What ends the stream before the job: raised while nothing was sent."""
        if hung_up(self._client):
            raise HungUp
        trouble: SpeechError | None = None
        if self.service.stopping.is_set():
            trouble = Unavailable("server_stopping")
        elif not self.begun and time.monotonic() > deadline:
            trouble = TimedOut("wait_timeout", seconds=self.service.settings.wait_timeout)
        elif ended := self._caller.ended(self.service.store.db):
            trouble = ended
        elif self._outage and time.monotonic() - self._late > PATIENCE:
            trouble = self._outage
        if trouble and not self.begun:
            raise trouble
        return trouble


def answered(
    kind: type[Following[Any]], service: Service, job: Job, content_type: str = EVENTS
) -> Response:
    """The answer of a followed job once there is a first chunk; takes over a place among the streams.

    Raises what a call that waits would, as long as nothing was sent.
    """
    stream = kind(service, job, language(), client_socket(request.environ))
    try:
        stream.begin()
    except BaseException:
        stream.close()
        raise
    response = Response(stream, content_type=content_type)
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["X-Moksori-Job"] = job.id
    return response
