"""POST /v1/audio/transcriptions and /translations: a recording in, its words out, as OpenAI's routes."""

from flask import Blueprint, Response

from server.accepting import respond
from server.bodies import TranscriptionBody, TranslationBody, TranslationFields
from server.checking import check
from server.contract import FORM, JSON, Told, tells
from server.form_body import FormFile, is_form, read_form
from server.hearing_bodies import LISTS
from server.json_body import read_json
from server.orders import Order
from server.service import here
from server.shapes import JobShape, TranscriptShape
from server.transcript_stream import streamed
from server.transcripts import transcription_order, written

routes = Blueprint("transcriptions", __name__)


@routes.post("/v1/audio/transcriptions")
@tells(
    Told(
        body={FORM: (TranscriptionBody,), JSON: (TranscriptionBody,)},
        answers={200: TranscriptShape, 202: JobShape},
        makes_job=True,
        waits=True,
        scope="transcribe",
    )
)
def transcribe() -> Response:
    """Write down what is said in a recording, in its own language."""
    return _answer("transcription", TranscriptionBody)


@routes.post("/v1/audio/translations")
@tells(
    Told(
        body={FORM: (TranslationBody,), JSON: (TranslationBody,)},
        answers={200: TranscriptShape, 202: JobShape},
        makes_job=True,
        waits=True,
        scope="transcribe",
    )
)
def translate() -> Response:
    """Write down in English what is said in a recording."""
    return _answer("translation", TranslationBody)


def _answer(kind: str, model: type[TranslationFields]) -> Response:
    service = here()

    def order(_asynchronous: bool) -> Order:
        body, file = read_recording(model)
        return transcription_order(service, kind, body, file)

    return respond(order, lambda job: written(service, job), lambda job: streamed(service, job))


def read_recording(
    model: type[TranslationFields],
) -> tuple[TranslationFields, FormFile | None]:
    """The body of a transcription: a form with its file, or JSON that names a URL."""
    settings = here().settings
    if not is_form():
        return check(model, read_json(settings.json_max_bytes)), None
    form = read_form(settings.form_limit, LISTS)
    return check(model, form.fields, strings=True), form.file
