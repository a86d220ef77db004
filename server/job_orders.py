"""The orders of POST /v1/jobs: one job of a kind, or a batch of them."""

from pydantic import BaseModel

from server.batches import batch_order
from server.bodies import (
    BatchBody,
    SpeechJobBody,
    TranscriptionJobBody,
    TranslationJobBody,
)
from server.form_body import FormFile
from server.orders import Order
from server.service import Service
from server.speeches import speech_job
from server.transcripts import transcription_job


def job_order(service: Service, body: BaseModel, file: FormFile | None = None) -> Order:
    """The order that a checked body of POST /v1/jobs stands for."""
    if isinstance(body, BatchBody):
        return batch_order(service, body, lambda item: job_order(service, item).new)
    if isinstance(body, SpeechJobBody):
        return Order(speech_job(service, body))
    assert isinstance(body, TranscriptionJobBody | TranslationJobBody)
    return transcription_job(service, body, file)
