"""GET /v1/jobs/{id}/events: what happens to a job, as server-sent events, until it has ended.

GET /events/{token} is the same by a signed link, for an EventSource, which sends no header.

An event's id is `{sequence}.{attempt}.{piece}`: with Last-Event-ID a client goes on where it was. Events:
`progress` (the job), `sentence` or `segment` (a ready piece), `done` (the final job; the stream ends).
"""

import json
import re
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, request

from server.caller import Caller, caller
from server.contract import Told, tells
from server.errors import language
from server.job_json import job_json
from server.service import Service, here, tenant
from server.waiting import COMMENT_EVERY, LOOK_EVERY, client_socket, hung_up
from speech.errors import NotFound, Unavailable
from speech.jobs import Job

routes = Blueprint("events", __name__)
_ID = re.compile(r"(\d{1,15})\.(\d{1,9})\.(\d{1,9})\Z")
PIECE = {"speech": "sentence", "transcription": "segment"}


@dataclass(frozen=True)
class Place:
    """How far a client has read: the row's sequence number, and how many pieces of which attempt."""

    seq: int = -1
    attempt: int = 0
    pieces: int = 0

    @classmethod
    def parse(cls, text: str | None) -> "Place":
        """The place of a Last-Event-ID; the beginning when it is none of ours."""
        match = _ID.match(text or "")
        return cls(*map(int, match.groups())) if match else cls()

    def __str__(self) -> str:
        return f"{max(self.seq, 0)}.{self.attempt}.{self.pieces}"


@routes.get("/v1/jobs/<job_id>/events")
@tells(Told(answers={200: "text/event-stream", 204: "none"}, scope="read"))
def events(job_id: str) -> Response:
    """Follow a job as server-sent events until it has ended; 204 when all of it was read before."""
    if "\0" in job_id:
        raise NotFound("job_not_found", job="")
    return _follow(here().store.get(job_id[:64], tenant()), caller())


@routes.get("/events/<token>")
@tells(Told(answers={200: "text/event-stream", 204: "none"}, open=True))
def linked(token: str) -> Response:
    """Follow the job that a signed link names; the token alone decides."""
    service = here()
    job = service.store.get(*service.links.read_events(token))
    return _follow(job, Caller(), service.links.same_events_url(token))


def _follow(job: Job, who: Caller, link: str | None = None) -> Response:
    service = here()
    place = Place.parse(request.headers.get("Last-Event-ID"))
    if job.final and place.seq >= job.seq:
        return Response(status=204)  # tells an EventSource not to come back
    service.streams.take()
    stream = Stream(service, job, place, who, link)
    response = Response(stream, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Stream:
    """The events of one job; gives its place among the streams back when closed, also if never begun."""

    def __init__(
        self, service: Service, job: Job, place: Place, who: Caller, link: str | None
    ) -> None:
        self._service, self._job, self._place, self._who = service, job, place, who
        self._link, self._to = link, language()
        self._client, self._closed = client_socket(request.environ), False
        self._events = self._follow()

    def __iter__(self) -> Iterator[str]:
        return self._events

    def close(self) -> None:
        """End the stream."""
        if not self._closed:
            self._closed = True
            self._events.close()
            self._service.streams.give()

    def _follow(self) -> Generator[str, None, None]:
        said = time.monotonic()
        yield "retry: 2000\n\n"
        with self._service.streams.watch.on(self._job.id) as changed:
            while not self._service.stopping.is_set():
                changed.clear()
                news = self._news()
                yield from news
                if self._job.final:
                    return
                if news:
                    said = time.monotonic()
                if not self._wait(changed):
                    return
                if time.monotonic() - said > COMMENT_EVERY:
                    said = time.monotonic()
                    yield ": still here\n\n"

    def _wait(self, changed: threading.Event) -> bool:
        changed.wait(LOOK_EVERY)
        return not (hung_up(self._client) or self._who.ended(self._service.store.db))

    def _news(self) -> list[str]:
        """The events since the last look. A store that does not answer is no news."""
        try:
            self._job = self._service.store.get(self._job.id, self._job.tenant)
            if self._job.seq <= self._place.seq:
                return []
            return [*self._pieces(), self._state()]
        except Unavailable:
            return []
        except NotFound:  # erased meanwhile, or gone
            self._job = replace(self._job, state="cancelled")
            return []

    def _pieces(self) -> list[str]:
        attempt, read = self._place.attempt, self._place.pieces
        if attempt != self._job.attempt:
            read = 0
        made, found = [], self._service.store.pieces(self._job, read - 1)
        for number, data in found:
            self._place = Place(self._place.seq, self._job.attempt, number + 1)
            told = {"attempt": self._job.attempt, "index": number, **data}
            made.append(self._event(PIECE[self._job.lane], told))
        return made

    def _state(self) -> str:
        job, service = self._job, self._service
        pieces = self._place.pieces if self._place.attempt == job.attempt else 0
        self._place = Place(job.seq, job.attempt, pieces)
        ahead = service.store.ahead(job) if job.state == "queued" else None
        told = job_json(service, job, self._to, ahead)
        if self._link:  # instead of a new one: else a link would renew itself for ever
            told["events_url"] = self._link
        return self._event("done" if job.final else "progress", told)

    def _event(self, name: str, data: dict[str, Any]) -> str:
        # JSON has no raw line breaks, so one data line is enough.
        text = json.dumps(data, ensure_ascii=False)
        return f"id: {self._place}\nevent: {name}\ndata: {text}\n\n"
