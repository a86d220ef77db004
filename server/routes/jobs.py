"""The job resource: make, list, look, retry, cancel or erase."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from server.accepting import accept, accepted, once_by_header
from server.bodies import (
    JOB_BODIES,
    BatchBody,
    JobsQuery,
    SpeechJobBody,
    TranscriptionJobBody,
    TranslationJobBody,
)
from server.caller import SCOPE_OF, caller
from server.checking import check
from server.contract import FORM, JSON, Told, tells
from server.erasing import erase
from server.errors import language
from server.form_body import FormFile, is_form, read_form
from server.hearing_bodies import LISTS
from server.job_json import job_json
from server.job_orders import job_order
from server.json_body import check_text, read_json
from server.permits import permit
from server.service import here, tenant
from server.shapes import JobListShape, JobShape
from speech.errors import InvalidRequest, NotFound
from speech.jobs import Job

routes = Blueprint("jobs", __name__)
BODIES = (SpeechJobBody, TranscriptionJobBody, TranslationJobBody, BatchBody)
WORK = tuple(SCOPE_OF.values())  # the job's kind decides which


@routes.post("/v1/jobs")
@tells(
    Told(
        body={JSON: BODIES, FORM: (TranscriptionJobBody, TranslationJobBody)},
        answers={202: JobShape},
        makes_job=True,
        scope=WORK,
    )
)
def create() -> Response:
    """Make a job of any kind; 202 with the job, whose place is in Location."""
    kind, data, file, strings = _asked()
    body = check(JOB_BODIES[kind], data, strings=strings)
    job, _ = accept(job_order(here(), body, file))
    return accepted(job)


@routes.get("/v1/jobs")
@tells(Told(query=JobsQuery, answers={200: JobListShape}, scope="read"))
def listed() -> Response:
    """List jobs, newest first, a page at a time; parts and checks only with parent=."""
    service = here()
    query = _query()
    found, following = service.store.page(
        tenant(), limit=query.limit, after=query.after, parent=query.parent,
        states=query.state, kinds=query.kind,
    )  # fmt: skip
    data = [job_json(service, job, language()) for job in found]
    more = following is not None
    return jsonify({"object": "list", "data": data, "has_more": more, "next": following})


@routes.get("/v1/jobs/<job_id>")
@tells(Told(answers={200: JobShape}, scope="read"))
def show(job_id: str) -> Response:
    """Show one job, with fresh links to its artifacts."""
    return _shown(_job(job_id))


@routes.delete("/v1/jobs/<job_id>")
@tells(Told(answers={200: JobShape, 204: "none"}, scope=WORK))
def remove(job_id: str) -> Response:
    """Cancel a live job (200 with the job); erase a finished one with all it made (204)."""
    job = _job(job_id)
    permit(here(), job)
    if not job.final:
        return _shown(here().store.cancel(job.id, tenant()))
    erase(here(), job)
    return Response(status=204)


@routes.post("/v1/jobs/<job_id>/retry")
@tells(Told(answers={202: JobShape}, makes_job=True, scope=WORK))
def retry(job_id: str) -> Response:
    """Do a finished job again, as a new job; of a batch, the items that did not succeed."""
    request.max_content_length = 16
    if request.stream.read(16).strip() not in {b"", b"{}"}:
        raise InvalidRequest("no_body_here")
    job = _job(job_id)
    permit(here(), job)
    once = once_by_header(f"retry:{job.id}")
    return accepted(here().store.retry(job.id, tenant(), once, caller().account))


def _asked() -> tuple[str, dict[str, Any], FormFile | None, bool]:
    settings = here().settings
    if is_form():
        form = read_form(settings.form_limit, LISTS | {"formats"})
        data, file, kinds = form.fields, form.file, ["transcription", "translation"]
    else:
        data, file, kinds = read_json(settings.json_max_bytes), None, list(JOB_BODIES)
    kind = data.get("kind")
    if kind is None:
        raise InvalidRequest("missing_field", param="kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidRequest("not_one_of", param="kind", allowed=", ".join(kinds))
    return kind, data, file, is_form()


def _query() -> JobsQuery:
    data: dict[str, Any] = {}
    for name, values in request.args.lists():
        for value in values:
            check_text(value, name)
        if name in {"state", "kind"}:
            data[name] = [one for value in values for one in value.split(",") if one]
        elif len(values) > 1:
            raise InvalidRequest("field_twice", param=name)
        else:
            data[name] = values[0]
    return check(JobsQuery, data, strings=True)


def _job(job_id: str) -> Job:
    if "\0" in job_id:
        raise NotFound("job_not_found", job="")
    return here().store.get(job_id[:64], tenant())


def _shown(job: Job) -> Response:
    service = here()
    return jsonify(job_json(service, job, language(), service.store.ahead(job)))
