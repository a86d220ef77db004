"""The real engine: base weights, and a sentence that one of the shipped voices speaks."""

from types import SimpleNamespace

import ctranslate2
import numpy as np
import pytest
import soxr

from speech.settings import Settings
from worker import whisper
from worker.engines import TranscribeOptions, load_transcriber
from worker.listen import listen
from worker.speaker import Request, load_speech_models
from worker.whisper import Whisper, choose_device, devices, threads

SENTENCES = ["안녕하세요.", "오늘은 날씨가 참 좋습니다."]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return load_transcriber(Settings(data_dir=str(tmp_path_factory.mktemp("data"))))


@pytest.fixture(scope="module")
def spoken():
    """The sentences in member 1's voice: float32 at 16 kHz."""
    speaker = load_speech_models(Settings())
    said = speaker.speak(SENTENCES, Request(speaker.voices.find("1")))
    sound = np.concatenate([utterance.samples for utterance in said])
    return soxr.resample(sound, 22_050, 16_000)


@pytest.mark.models
@pytest.mark.slow
def test_korean_that_is_spoken_is_heard_in_korean_with_times(engine, spoken):
    detected, stream = engine.transcribe(spoken, TranscribeOptions())
    segments = list(stream)
    text = "".join(segment.text for segment in segments)
    assert detected.language == "ko"
    assert detected.probability > 0.5
    assert sum(syllable in text for syllable in "안녕하세요날씨") >= 4
    assert [segment.id for segment in segments] == list(range(len(segments)))
    words = [word for segment in segments for word in segment.words]
    edges = [time for word in words for time in (word.start, word.end)]
    assert edges == sorted(edges)
    assert 0 <= edges[0] < edges[-1] <= len(spoken) / 16_000 + 0.1
    assert engine.detect(spoken).language == "ko"


@pytest.mark.models
@pytest.mark.slow
def test_options_reach_the_decoder(engine, spoken):
    _, stream = engine.transcribe(
        spoken, TranscribeOptions("ko", temperature=0.4, word_timestamps=False, beam_size=1)
    )
    segments = list(stream)
    assert {segment.temperature for segment in segments} == {0.4}
    assert not any(segment.words for segment in segments)


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 0.01, 3])
def test_silence_and_nothing_are_heard_as_no_speech(engine, tmp_path, seconds):
    nothing = np.zeros(round(seconds * 16_000), np.float32)
    detected, stream = engine.transcribe(nothing, TranscribeOptions())
    assert (detected.language, list(stream)) == ("und", [])
    assert engine.detect(nothing).language == "und"
    nothing.astype(np.int16).tofile(tmp_path / "samples")
    assert listen(engine, tmp_path / "samples", (0, len(nothing)), TranscribeOptions()).text == ""


@pytest.mark.models
@pytest.mark.slow
def test_the_engine_says_what_it_is(engine):
    described = engine.describe()
    assert (described["name"], described["model"]) == ("whisper", "base")
    assert (described["device"], described["compute_type"]) == choose_device(Settings())


@pytest.mark.parametrize(
    ("gpus", "given", "wanted"),
    [
        (0, {}, [("cpu", "int8")]),
        (1, {}, [("cuda", "float16"), ("cpu", "int8")]),
        (1, {"whisper_device": "cpu"}, [("cpu", "int8")]),
        (1, {"whisper_device": "cuda"}, [("cuda", "float16")]),
        (0, {"whisper_compute_type": "float32"}, [("cpu", "float32")]),
        (
            1,
            {"whisper_compute_type": "int8_float16", "whisper_device": "cuda"},
            [("cuda", "int8_float16")],
        ),
    ],
)
def test_the_device_is_what_is_there_unless_it_is_named(monkeypatch, gpus, given, wanted):
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: gpus)
    assert devices(Settings(**given)) == wanted
    assert choose_device(Settings(**given)) == wanted[0]


class Broken:
    """A model whose GPU lacks a library, which shows at the first decode."""

    tried: list[str] = []  # noqa: RUF012

    def __init__(self, folder, device, compute_type, cpu_threads):
        self.device = device
        self.tried.append(device)

    def transcribe(self, samples, **options):
        if self.device == "cuda":
            raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")
        return iter(()), SimpleNamespace(
            language="en", language_probability=1, duration_after_vad=1
        )


@pytest.fixture
def broken(monkeypatch, tmp_path):
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(whisper, "WhisperModel", Broken)
    monkeypatch.setattr(whisper, "resolve", lambda *_: tmp_path)
    Broken.tried.clear()


def test_a_gpu_that_does_not_work_is_passed_over_with_a_warning(broken, caplog):
    assert Whisper.load(Settings()).device == "cpu"
    assert Broken.tried == ["cuda", "cpu"]
    assert "libcublas" in caplog.text


def test_a_gpu_that_was_named_and_does_not_work_is_an_error(broken):
    with pytest.raises(RuntimeError, match="libcublas"):
        Whisper.load(Settings(whisper_device="cuda"))


def test_every_core_is_used_unless_a_number_is_set():
    assert threads(Settings(), "cpu") >= 1
    assert threads(Settings(whisper_threads=3), "cpu") == 3
    assert threads(Settings(), "cuda") == 0
