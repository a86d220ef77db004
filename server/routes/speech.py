"""POST /v1/audio/speech: text in, a member's voice out, as OpenAI's route of that name; and what it would say."""

from flask import Blueprint, Response, jsonify

from server.accepting import respond
from server.bodies import SpeechBody
from server.checking import check
from server.contract import JSON, Told, tells
from server.json_body import read_json
from server.orders import Order
from server.service import here
from server.shapes import JobShape
from server.sound_stream import streamed
from server.speech_shapes import PreviewShape
from server.speeches import preview_order, speech_order, spoken
from speech.jobs import Job

routes = Blueprint("speech", __name__)


@routes.post("/v1/audio/speech")
@tells(
    Told(
        body={JSON: (SpeechBody,)},
        answers={200: "audio/*", 202: JobShape},
        makes_job=True,
        waits=True,
        scope="speak",
    )
)
def speak() -> Response:
    """Speak a text with a member's voice and answer the sound."""
    service = here()

    def order(asynchronous: bool) -> Order:
        body = check(SpeechBody, read_json(service.settings.json_max_bytes))
        return speech_order(service, body, asynchronous)

    return respond(order, lambda job: spoken(service, job), lambda job: streamed(service, job))


@routes.post("/v1/audio/speech/preview")
@tells(
    Told(
        body={JSON: (SpeechBody,)},
        answers={200: PreviewShape, 202: JobShape},
        makes_job=True,
        waits=True,
        scope="speak",
    )
)
def preview() -> Response:
    """Say what would be said: the reading, what was read otherwise, and how long it would take."""
    service = here()

    def order(asynchronous: bool) -> Order:
        body = check(SpeechBody, read_json(service.settings.json_max_bytes))
        return preview_order(service, body, asynchronous)

    return respond(order, _previewed)


def _previewed(job: Job) -> Response:
    response = jsonify(job.result)
    response.headers["X-Moksori-Job"] = job.id
    return response
