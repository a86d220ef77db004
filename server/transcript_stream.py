"""stream=true: OpenAI's transcript events, a delta for each segment as soon as it is decoded.

https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event
"""

import json
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from flask import Response, request

from server.errors import JobFailed, error_body, language
from server.service import Service
from server.transcripts import text_of
from server.waiting import COMMENT_EVERY, LOOK_EVERY, HungUp, client_socket, hung_up
from speech.errors import Language, NotFound, SpeechError, TimedOut, Unavailable
from speech.jobs import Job


def streamed(service: Service, job: Job) -> Response:
    """The events of a transcription that runs, once there is a first one; takes over a place among the streams.

    Raises what a call that waits would, as long as nothing was sent: JobFailed, TimedOut, Unavailable, HungUp.
    """
    stream = TranscriptStream(service, job, language(), client_socket(request.environ))
    try:
        stream.begin()
    except BaseException:
        stream.close()
        raise
    response = Response(stream, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["X-Moksori-Job"] = job.id
    return response


class TranscriptStream:
    """Follows a job and, where it was cut into parts, these in order; gives its place back when closed.

    An attempt that begins anew decodes the same segments again: they are counted and not sent twice.
    """

    def __init__(self, service: Service, job: Job, to: Language, client: Any = None) -> None:
        self._service, self._job, self._to, self._client = service, job, to, client
        self._part, self._read = 0, 0  # the source that is read, and how many of its segments were
        self._sent = ""
        self._closed = False
        self._events = self._follow()
        self._first: list[str] = []

    def begin(self) -> None:
        """Wait for the first event."""
        self._first = [next(self._events)]

    def __iter__(self) -> Iterator[str]:
        yield from self._first
        yield from self._events

    def close(self) -> None:
        """End the stream."""
        if not self._closed:
            self._closed = True
            self._events.close()
            self._service.streams.give()

    def _follow(self) -> Generator[str, None, None]:
        said = time.monotonic()
        deadline = said + self._service.settings.wait_timeout
        with self._service.streams.watch.on(self._job.id) as changed:
            while True:
                changed.clear()
                for text in self._news():
                    said = time.monotonic()
                    yield self._delta(text)
                if self._job.final:
                    yield from self._end()
                    return
                left = LOOK_EVERY if self._sent else deadline - time.monotonic()
                changed.wait(max(0.0, min(LOOK_EVERY, left)))
                if trouble := self._trouble(deadline):
                    yield self._error(trouble)
                    return
                if self._sent and time.monotonic() - said > COMMENT_EVERY:
                    said = time.monotonic()
                    yield ": still here\n\n"

    def _trouble(self, deadline: float) -> SpeechError | None:
        """What ends the stream before the job: raised while nothing was sent, told in an event afterwards."""
        if hung_up(self._client):
            raise HungUp
        trouble: SpeechError | None = None
        if self._service.stopping.is_set():
            trouble = Unavailable("server_stopping")
        elif not self._sent and time.monotonic() > deadline:
            trouble = TimedOut("wait_timeout", seconds=self._service.settings.wait_timeout)
        if trouble and not self._sent:
            raise trouble
        return trouble

    def _news(self) -> list[str]:
        """The texts of segments that are new. A store that does not answer has none."""
        try:
            self._job = self._service.store.get(self._job.id, self._job.tenant)
            return list(self._segments())
        except Unavailable:
            return []
        except NotFound:  # erased meanwhile
            self._job = replace(self._job, state="cancelled")
            return []

    def _segments(self) -> Iterator[str]:
        store, job = self._service.store, self._job
        sources = store.children(job.id) if job.children["total"] else [job]
        for source in sources[self._part :]:
            for number, data in store.pieces(source, self._read - 1):
                self._read = number + 1
                yield data["text"]
            if source.state != "succeeded" or source is job:
                return
            self._part, self._read = self._part + 1, 0

    def _end(self) -> Iterator[str]:
        """What is left of the text, then all of it; or why there is none."""
        if self._job.state != "succeeded":
            if not self._sent:
                raise JobFailed(self._job)
            yield _event("error", error_body(JobFailed(self._job), self._to))
            return
        whole = text_of(self._service, self._job)
        if whole.startswith(self._sent) and len(whole) > len(self._sent):
            yield self._delta(whole[len(self._sent) :])
        yield _event("transcript.text.done", {"type": "transcript.text.done", "text": whole})

    def _delta(self, text: str) -> str:
        text = text if self._sent else text.lstrip()
        self._sent += text
        return _event("transcript.text.delta", {"type": "transcript.text.delta", "delta": text})

    def _error(self, error: SpeechError) -> str:
        return _event("error", error_body(error, self._to))


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
