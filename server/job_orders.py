"""The orders of POST /v1/jobs: one job of a kind, or a batch of them."""

from pydantic import BaseModel

from server.bodies import (
    JOB_BODIES,
    BatchBody,
    SpeechJobBody,
    TranscriptionJobBody,
    TranslationJobBody,
)
from server.checking import check
from server.form_body import FormFile
from server.orders import Order
from server.service import Service
from server.speeches import speech_job
from server.transcripts import transcription_job
from speech.errors import InvalidRequest, SpeechError, TooLarge
from speech.jobs import NewJob


def job_order(service: Service, body: BaseModel, file: FormFile | None = None) -> Order:
    """The order that a checked body of POST /v1/jobs stands for."""
    if isinstance(body, BatchBody):
        return _batch(service, body)
    if isinstance(body, SpeechJobBody):
        return Order(speech_job(service, body))
    assert isinstance(body, TranscriptionJobBody | TranslationJobBody)
    return transcription_job(service, body, file)


def _batch(service: Service, body: BatchBody) -> Order:
    limit = service.settings.batch_max_urls
    if len(body.items) > limit:
        raise TooLarge("too_many", param="items", limit=limit)
    items = [_item(service, place, item) for place, item in enumerate(body.items)]
    batch = NewJob(
        kind="batch", lane=items[0].lane, request={"items": len(items)}, priority=body.priority,
        ttl=body.ttl,
    )  # fmt: skip
    return Order(batch, children=items)


def _item(service: Service, place: int, item: dict[str, object]) -> NewJob:
    kinds = [kind for kind in JOB_BODIES if kind != "batch"]
    kind = item.get("kind")
    for name in ("priority", "ttl"):
        if name in item:
            raise InvalidRequest("only_the_batch", param=f"items.{place}.{name}")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidRequest("not_one_of", param=f"items.{place}.kind", allowed=", ".join(kinds))
    try:
        return job_order(service, check(JOB_BODIES[kind], item)).new
    except SpeechError as error:
        error.param = f"items.{place}.{error.param}"
        raise
