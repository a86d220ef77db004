"""The four /transcribe routes: a batch of URLs and its status, one URL now, one file now."""

from typing import Any

from flask import Blueprint, Response, jsonify

from server.accepting import accept, respond
from server.bodies import FileBody, UrlBody, UrlsBody
from server.checking import check
from server.contract import FORM, JSON, Told, tells
from server.errors import language, stored_message
from server.form_body import is_form, read_form
from server.json_body import read_json
from server.orders import Order
from server.places import fetched
from server.service import Service, here, tenant
from server.shapes import BatchStartedShape, BatchStatusShape, HeardShape, JobShape
from server.transcripts import language_of, plain_transcription, text_of
from speech.errors import InvalidRequest, NotFound, TooLarge
from speech.jobs import Job, NewJob

routes = Blueprint("transcribe", __name__)


@routes.post("/transcribe/batch")
@tells(
    Told(
        body={JSON: (UrlsBody,)},
        answers={200: BatchStartedShape},
        makes_job=True,
        scope="transcribe",
    )
)
def batch() -> Response:
    """Transcribe many URLs, each on its own; answers the id to ask for."""
    service = here()
    body = check(UrlsBody, read_json(service.settings.json_max_bytes))
    limit = service.settings.batch_max_urls
    if len(body.urls) > limit:
        raise TooLarge("too_many", param="urls", limit=limit)
    # A malformed URL fails its own row when it is fetched, not the batch.
    items = [plain_transcription(service, body.language, {"url": url}) for url in body.urls]
    request = {"language": body.language, "items": len(items)}
    new = NewJob("batch", "transcription", request, priority="batch")
    job, _ = accept(Order(new, children=items))
    response = jsonify({"status": "success", "task_id": job.id})
    response.headers["X-Moksori-Job"] = job.id
    return response


@routes.get("/transcribe/<task_id>/status")
@tells(Told(answers={200: BatchStatusShape}, scope="read"))
def status(task_id: str) -> Response:
    """How a batch is, one row for each URL in the order given."""
    service = here()
    if "\0" in task_id:
        raise NotFound("job_not_found", job="")
    job = service.store.get(task_id[:64], tenant())
    if job.lane != "transcription":
        raise NotFound("job_not_found", job=job.id)
    items = service.store.children(job.id) if job.kind == "batch" else [job]
    rows = [_row(service, item) for item in items]
    return jsonify({"task_id": job.id, "status": job.state, "results": rows})


@routes.post("/transcribe/realtime")
@tells(
    Told(
        body={JSON: (UrlBody,)},
        answers={200: HeardShape, 202: JobShape},
        makes_job=True,
        waits=True,
        scope="transcribe",
    )
)
def realtime() -> Response:
    """Transcribe the recording at one URL and wait for it."""
    service = here()

    def order(_asynchronous: bool) -> Order:
        body = check(UrlBody, read_json(service.settings.json_max_bytes))
        return Order(plain_transcription(service, body.language, fetched(body.url, "url")))

    return respond(order, lambda job: _heard(service, job))


@routes.post("/transcribe/upload")
@tells(
    Told(
        body={FORM: (FileBody,)},
        answers={200: HeardShape, 202: JobShape},
        makes_job=True,
        waits=True,
        scope="transcribe",
    )
)
def upload() -> Response:
    """Transcribe one uploaded file and wait for it."""
    service = here()

    def order(_asynchronous: bool) -> Order:
        if not is_form():
            raise InvalidRequest("not_a_form")
        form = read_form(service.settings.form_limit)
        body = check(FileBody, form.fields, strings=True)
        if form.file is None:
            raise InvalidRequest("missing_field", param="file")
        return Order(plain_transcription(service, body.language, None), form.file)

    return respond(order, lambda job: _heard(service, job))


def _row(service: Service, job: Job) -> dict[str, Any]:
    row: dict[str, Any] = {"url": (job.input or {}).get("url"), "status": job.state}
    if job.state == "succeeded":
        row["text"] = text_of(service, job)
    elif job.error is not None:
        row["error"] = stored_message(job.error, language())
    return row


def _heard(service: Service, job: Job) -> Response:
    response = jsonify({"text": text_of(service, job), "language": language_of(service, job)})
    response.headers["X-Moksori-Job"] = job.id
    return response
