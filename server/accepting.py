"""Accepting a job: its file first, then its row, once for each Idempotency-Key; then wait for it, or answer 202."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from flask import Response, jsonify, request

from server.caller import SCOPE_OF, caller
from server.errors import JobFailed, language
from server.job_json import job_json
from server.orders import Order, with_input
from server.service import here, tenant
from server.waiting import client_socket
from speech import keys
from speech.errors import InvalidRequest, LimitReached, SpeechError, Unavailable
from speech.jobs import Job
from speech.keys import Once


def respond(
    order: Callable[[bool], Order],
    render: Callable[[Job], Response],
    stream: Callable[[Job], Response] | None = None,
) -> Response:
    """Make the job that `order(asynchronous)` asks for; 202 with Prefer: respond-async, else `render` its end.

    An order that asks for it is answered by `stream` while it runs, which gives its place among the streams back.
    Raises JobFailed when it did not succeed, and what Waits.until_final raises.
    """
    if wants_async():
        job, _ = accept(order(True))
        response = accepted(job)
        response.headers["Preference-Applied"] = "respond-async"
        return response
    # The place is taken before the body is read: what cannot be waited for is not accepted.
    with here().waits.place():
        asked = order(False)
        if stream is not None and asked.stream:
            return _streamed(asked, stream)
        return render(finished(accept(asked)[0]))


def _streamed(asked: Order, stream: Callable[[Job], Response]) -> Response:
    streams = here().streams
    streams.take()
    try:
        job, _ = accept(asked)
    except BaseException:
        streams.give()
        raise
    with _named(job):
        return stream(job)


@contextmanager
def _named(job: Job) -> Iterator[None]:
    """Errors of a block say which job goes on without the caller."""
    try:
        yield
    except SpeechError as error:
        error.job_id = job.id  # type: ignore[attr-defined]
        raise


def wants_async() -> bool:
    """Whether the request prefers 202 now to the result later (RFC 7240)."""
    told = ",".join(request.headers.getlist("Prefer")).replace(";", ",").split(",")
    return "respond-async" in {one.strip().lower() for one in told}


def accept(order: Order) -> tuple[Job, bool]:
    """The caller's job, and whether it was made now. Nothing is accepted before its row is committed.

    Raises Forbidden("scope_missing") when the caller may not make all that is ordered, LimitReached over a limit.
    """
    order = _for_caller(order)
    service = here()
    named = once_by_header(order.fingerprint())
    if order.once is not None and named is not None:
        return _by_both(order, named)
    once = order.once or named
    if order.file is None:
        return service.store.create(order.new, order.children, once, caller().account)
    return _with_file(order, once)


def _for_caller(order: Order) -> Order:
    who = caller()
    for new in (order.new, *order.children):
        who.need(SCOPE_OF[new.lane])
    return replace(order, new=replace(order.new, tenant=who.tenant))


def _with_file(order: Order, once: Once | None) -> tuple[Job, bool]:
    service, file = here(), order.file
    assert file is not None
    name = str(uuid.uuid4())
    key = f"t/{tenant()}/inputs/{name}"
    service.storage.put(key, file.path, "application/octet-stream", owner=name)
    place = {"key": key, "name": file.name, "bytes": file.bytes}
    try:
        new, children, account = with_input(order.new, place), order.children, caller().account
        job, made = service.store.create(new, children, once, account)
    except (InvalidRequest, LimitReached):
        # Only a refusal is sure to have made no row; after an outage the row may be there.
        _drop(key)
        raise
    if not made:
        _drop(key)
    return job, made


def _drop(key: str) -> None:
    with suppress(Unavailable):
        here().storage.delete(key)


def once_by_header(body: str) -> Once | None:
    """What the Idempotency-Key header asks for, if it is there; `body` tells one request from another.

    Raises InvalidRequest("bad_idempotency_key").
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    if not (given.isascii() and given.isprintable() and 1 <= len(given.strip()) <= 255):
        raise InvalidRequest("bad_idempotency_key", param="Idempotency-Key")
    ttl = float(here().settings.idempotency_ttl)
    return Once(f"key:{given.strip()}", hashlib.sha256(body.encode()).hexdigest(), ttl)


def _by_both(order: Order, named: Once) -> tuple[Job, bool]:
    """A route with an id of its own (/api/texts) and a header: the id finds the job, the header must agree."""
    store = here().store
    with store.writing() as tx:
        keys.find(tx, tenant(), named)
    job, made = store.create(order.new, order.children, order.once, caller().account)
    with store.writing() as tx:
        keys.claim(tx, tenant(), named, job.id)
    return job, made


def finished(job: Job) -> Job:
    """The job once it has succeeded. Raises JobFailed, and what Waits.until_final raises, each with the job's id."""
    with _named(job):
        job = here().waits.until_final(job, client_socket(request.environ))
    if job.state != "succeeded":
        raise JobFailed(job)
    return job


def accepted(job: Job) -> Response:
    """202 with the job as body and its place in Location."""
    service = here()
    response = jsonify(job_json(service, job, language(), service.store.ahead(job)))
    response.status_code = 202
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    response.headers["X-Moksori-Job"] = job.id
    return response


def once_by(key: str, order: Order, conflict: str) -> Order:
    """The order with an id of its own, for ever; a failed or cancelled job is replaced by a new one."""
    body = order.fingerprint()
    return replace(order, once=Once(key, body, None, again_after_failure=True, conflict=conflict))
