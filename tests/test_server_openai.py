"""The real `openai` client against the real server process; the playing worker answers for the models."""

import base64
import json
import threading

import openai
import pytest

from speech.jobs import attempt_key, piece_name
from tests.live_server import gunicorn
from tests.server_fixtures import HEARD

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def live(sqlite_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    database = folder / "store.db"
    database.write_bytes(sqlite_template.read_bytes())
    with gunicorn(f"sqlite:///{database}", folder, upload_max_bytes=200_000) as made:
        yield made


@pytest.fixture(scope="module")
def api(live):
    with openai.OpenAI(base_url=f"{live.base}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_speech_in_six_formats(api, name):
    answer = api.audio.speech.create(
        model="tts-1", voice="alloy", input="안녕하세요", response_format=name, speed=1.5
    )
    assert answer.content == f"{name}:1:1.5:안녕하세요".encode()


def test_speech_streams_to_a_file(api, tmp_path):
    with api.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="gaon", input="안녕"
    ) as answer:
        answer.stream_to_file(tmp_path / "a.mp3")
    assert (tmp_path / "a.mp3").read_bytes() == "mp3:1:1.0:안녕".encode()


@pytest.mark.parametrize("form", ["audio", "sse"])
def test_the_first_sentence_arrives_while_the_next_is_made(api, live, form):
    heard = threading.Event()

    def speak(job):
        for number, sound in enumerate([b"one,", b"two"]):
            key = attempt_key(job, piece_name(number))
            live.beside.storage.put(key, sound, "application/octet-stream", job.id)
            live.beside.store.report(job, 0.5, "speaking", [(number, {"type": "sentence"})])
            assert heard.wait(20), "the client has the first sentence"

    live.beside.before = speak
    try:
        with api.audio.speech.with_streaming_response.create(
            model="tts-1", voice="gaon", input="하나. 둘.", stream_format=form
        ) as answer:
            sound = b""
            for part in answer.iter_bytes() if form == "audio" else _deltas(answer):
                sound += part
                heard.set()
    finally:
        live.beside.before = lambda job: None
    assert sound == b"one,two"


def _deltas(answer):
    for line in answer.iter_lines():
        told = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
        if told.get("type") == "speech.audio.delta":
            yield base64.b64decode(told["audio"])


def test_transcriptions_in_five_formats(api):
    def hear(**options):
        file = ("한국어.wav", b"RIFF....")
        return api.audio.transcriptions.create(model="whisper-1", file=file, **options)

    assert hear().text == HEARD.text
    assert hear().usage.seconds == 4
    assert hear(response_format="text") == "안녕하세요.\n반갑습니다.\n"
    assert hear(response_format="srt").startswith("1\n00:00:00,000 -->")
    assert hear(response_format="vtt").startswith("WEBVTT\n")
    verbose = hear(
        response_format="verbose_json", timestamp_granularities=["word", "segment"],
        language="ko", prompt="인사", temperature=0.2,
    )  # fmt: skip
    assert (verbose.language, verbose.duration) == ("korean", 3.5)
    assert [word.word for word in verbose.words] == ["안녕하세요.", "반갑습니다."]
    assert [segment.end for segment in verbose.segments] == [1.5, 3.5]


def test_a_transcription_streams(api):
    file = ("한국어.wav", b"RIFF....")
    events = list(
        api.audio.transcriptions.create(model="whisper-1", file=file, stream=True, language="ko")
    )
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]
    assert events[-1].text == "".join(event.delta for event in events[:-1]) == HEARD.text


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # by the client, not by us
def test_translations(api):
    def hear(**options):
        file = ("a.wav", b"RIFF....")
        return api.audio.translations.create(model="whisper-1", file=file, **options)

    assert hear().text == HEARD.text
    assert hear(response_format="verbose_json").duration == 3.5
    assert hear(response_format="vtt").startswith("WEBVTT")


def test_models(api):
    names = [model.id for model in api.models.list()]
    assert {"tts-1", "whisper-1"} <= set(names)
    assert api.models.retrieve("whisper-1").object == "model"


def test_errors_are_the_clients_own_classes(api):
    def speak(**options):
        asked = {"model": "tts-1", "voice": "alloy", "input": "안녕"} | options
        return api.audio.speech.create(**asked)

    with pytest.raises(openai.BadRequestError) as caught:
        speak(voice="nobody")
    assert (caught.value.code, caught.value.param) == ("unknown_voice", "voice")
    assert caught.value.request_id
    with pytest.raises(openai.BadRequestError) as caught:
        speak(instructions="cheerful")
    assert caught.value.code == "field_not_supported"
    with pytest.raises(openai.NotFoundError):
        api.models.retrieve("gpt-9")
    with pytest.raises(openai.APIStatusError) as caught:
        api.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"x" * 300_000))
    assert (caught.value.status_code, caught.value.code) == (413, "file_too_large")


def test_the_clients_async_twin_works_too(live):
    import asyncio

    async def speak():
        async with openai.AsyncOpenAI(base_url=f"{live.base}/v1", api_key="any") as client:
            answer = await client.audio.speech.create(model="tts-1", voice="2", input="안녕")
            return answer.content

    assert asyncio.run(speak()) == "mp3:2:1.0:안녕".encode()
