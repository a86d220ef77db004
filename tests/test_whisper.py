"""The real engine: base weights, and a sentence that one of the shipped voices speaks."""

import threading
from itertools import pairwise
from types import SimpleNamespace

import ctranslate2
import numpy as np
import pytest
import soxr
from faster_whisper.audio import pad_or_trim

from speech.media import RATE
from speech.settings import Settings
from worker import whisper
from worker.engines import TranscribeOptions, load_transcriber
from worker.listen import listen
from worker.speaker import Request, load_speech_models
from worker.whisper import Whisper, choose_device, devices, shares
from worker.whisper_windows import WindowDecoder, _joined

SENTENCES = ["안녕하세요.", "오늘은 날씨가 참 좋습니다."]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return load_transcriber(Settings(data_dir=str(tmp_path_factory.mktemp("data"))))


@pytest.fixture(scope="module")
def spoken():
    """The sentences in member 2's voice: float32 at 16 kHz."""
    speaker = load_speech_models(Settings())
    said = speaker.say(SENTENCES, Request(speaker.voices.find("2")))
    sound = np.concatenate([utterance.samples for utterance in said])
    return soxr.resample(sound, 22_050, 16_000)


def hear(engine, sound, options):
    return engine.transcribe(sound, options, engine.speech(sound, options))


@pytest.mark.models
@pytest.mark.slow
def test_korean_that_is_spoken_is_heard_in_korean_with_times(engine, spoken):
    detected, stream = hear(engine, spoken, TranscribeOptions())
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
    speech = engine.speech(spoken, TranscribeOptions())
    assert engine.detect(spoken, TranscribeOptions(), speech).language == "ko"


@pytest.mark.models
@pytest.mark.slow
def test_segments_are_sentences_with_their_words_and_tokens(engine, spoken):
    _, stream = hear(
        engine, np.concatenate([spoken] * 2), TranscribeOptions("ko", without_timestamps=True)
    )
    segments = list(stream)
    assert len(segments) >= 3
    assert all("".join(word.word for word in one.words) == one.text for one in segments)
    assert all(one.tokens for one in segments)
    assert all(one.end <= other.start + 0.01 for one, other in pairwise(segments))


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize(
    "given", [{"vad_filter": False}, {"without_timestamps": False}, {"without_timestamps": True}]
)
def test_the_same_is_heard_in_other_ways(engine, spoken, given):
    segments = list(hear(engine, spoken, TranscribeOptions("ko", **given))[1])
    text = "".join(segment.text for segment in segments)
    assert sum(syllable in text for syllable in "안녕하세요날씨") >= 4
    assert all(segment.words for segment in segments)


@pytest.mark.models
@pytest.mark.slow
def test_the_language_is_chosen_among_those_allowed(engine, spoken):
    options = TranscribeOptions(languages=("en", "ja"))
    detected = engine.detect(spoken, options, engine.speech(spoken, options))
    assert detected.language in {"en", "ja"}
    assert 0.5 <= detected.probability <= 1.0


@pytest.mark.models
@pytest.mark.slow
def test_a_prompt_and_hotwords_longer_than_the_decoder_has_room_for_are_cut(engine, spoken):
    long = "목소리 자막 강의 " * 400
    segments = list(hear(engine, spoken, TranscribeOptions("ko", prompt=long, hotwords=long))[1])
    assert segments


@pytest.mark.models
@pytest.mark.slow
def test_what_the_decoder_stops_short_of_is_heard_all_the_same(engine, spoken, tmp_path):
    """The same two sentences over and over make Whisper stop early: it is trained not to repeat itself."""
    (np.concatenate([spoken] * 8) * 32_767).astype(np.int16).tofile(tmp_path / "samples")
    options = TranscribeOptions("ko", without_timestamps=True)
    heard = listen(engine, tmp_path / "samples", (0, 8 * len(spoken)), options)
    assert any("recovered" in segment.flags for segment in heard.segments)
    starts = [segment.start for segment in heard.segments]
    assert starts == sorted(starts)
    assert heard.coverage.ratio > 0.9


@pytest.mark.models
@pytest.mark.slow
def test_what_whisper_makes_of_noise_and_tones_is_nothing_or_flagged(engine, tmp_path):
    rng, time = np.random.default_rng(0), np.arange(8 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hz * time) * np.exp(-(time % 0.5) * 3) for hz in (220, 277, 330))
    for sound in (rng.normal(0, 0.05, len(time)), 0.2 * chord):
        (sound * 20_000).astype(np.int16).tofile(tmp_path / "samples")
        for vad_filter in (True, False):
            options = TranscribeOptions(vad_filter=vad_filter)
            heard = listen(engine, tmp_path / "samples", (0, len(sound)), options)
            # Unfiltered, Whisper draws words at random when it is unsure, and now and then some come out.
            assert all("over_silence" in segment.flags for segment in heard.segments)
            assert heard.segments == () or not vad_filter


@pytest.mark.models
@pytest.mark.slow
def test_windows_that_are_encoded_alone_are_what_the_encoder_makes_of_a_batch(engine, spoken):
    half = len(spoken) // 2
    features = [
        pad_or_trim(engine.model.feature_extractor(sound)[..., :-1])
        for sound in (spoken[:half], spoken[half:])
    ]
    both = np.asarray(engine.model.encode(np.stack(features)))
    alone = _joined([engine.model.encode(one) for one in features])
    np.testing.assert_allclose(np.asarray(alone), both, atol=0.01)


@pytest.mark.models
@pytest.mark.slow
def test_a_batch_that_is_encoded_together_as_on_a_gpu_says_the_same(engine, spoken, monkeypatch):
    sound = np.concatenate([spoken, np.zeros(RATE, np.float32)] * 10)
    spans = [(0, 20 * RATE), (20 * RATE, 40 * RATE)]
    monkeypatch.setattr(WindowDecoder, "_again", lambda self, first, *rest: first)
    made = []
    for alone in (True, False):
        decoder = WindowDecoder(engine.model, TranscribeOptions("ko", soon=False), "ko")
        assert decoder.encodes_alone
        decoder.encodes_alone = alone
        made.append([one.text for one in decoder.segments(sound, spans, 6)])
    assert len(made[0]) >= 2
    assert made[0] == made[1]


@pytest.mark.models
@pytest.mark.slow
def test_batches_decoded_at_once_say_what_they_say_one_by_one(spoken, monkeypatch, tmp_path):
    sound = np.concatenate([spoken, np.zeros(RATE, np.float32)] * 30)
    options = TranscribeOptions("ko", without_timestamps=True)
    # What is decoded again is drawn by chance.
    monkeypatch.setattr(WindowDecoder, "_again", lambda self, first, *rest: first)
    made = []
    for at_once in (1, 2):
        settings = Settings(data_dir=str(tmp_path), whisper_threads=2, whisper_at_once=at_once)
        engine = Whisper.load(settings)
        engine.batch = 2
        encode, working = engine.model.encode, []
        monkeypatch.setattr(
            engine.model, "encode",
            lambda one, encode=encode, working=working: working.append(threading.get_ident()) or encode(one),
        )  # fmt: skip
        made.append([(one.text, one.words) for one in hear(engine, sound, options)[1]])
        assert len(set(working)) == at_once
    assert len(made[0]) >= 4
    assert made[0] == made[1]


@pytest.mark.models
@pytest.mark.slow
def test_options_reach_the_decoder(engine, spoken):
    options = TranscribeOptions("ko", temperature=0.4, word_timestamps=False, beam_size=1)
    _, stream = hear(engine, spoken, options)
    segments = list(stream)
    assert {segment.temperature for segment in segments} == {0.4}
    assert not any(segment.words for segment in segments)


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 0.01, 3])
def test_silence_and_nothing_are_heard_as_no_speech(engine, tmp_path, seconds):
    nothing = np.zeros(round(seconds * 16_000), np.float32)
    detected, stream = hear(engine, nothing, TranscribeOptions())
    assert (detected.language, list(stream)) == ("und", [])
    assert engine.detect(nothing, TranscribeOptions(), []).language == "und"
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


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """A GPU that lacks a library, which shows at the first decode; the devices that were tried."""
    tried = []

    def warm_up(engine):
        tried.append(engine.device)
        if engine.device == "cuda":
            raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")

    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(whisper, "WhisperModel", lambda *_, **__: None)
    monkeypatch.setattr(whisper, "resolve", lambda *_: tmp_path)
    monkeypatch.setattr(Whisper, "warm_up", warm_up)
    return tried


def test_a_gpu_that_does_not_work_is_passed_over_with_a_warning(broken, caplog):
    assert Whisper.load(Settings()).device == "cpu"
    assert broken == ["cuda", "cpu"]
    assert "libcublas" in caplog.text


def test_a_gpu_that_was_named_and_does_not_work_is_an_error(broken):
    with pytest.raises(RuntimeError, match="libcublas"):
        Whisper.load(Settings(whisper_device="cuda"))


@pytest.mark.parametrize(
    ("given", "cores", "wanted"),
    [
        ({}, 2, (2, 1)),
        ({}, 1, (1, 1)),
        ({}, 16, (4, 4)),
        ({"whisper_threads": 1}, 16, (1, 1)),
        ({"whisper_threads": 6}, 2, (4, 2)),
        ({"whisper_at_once": 1}, 8, (1, 8)),
        ({"whisper_at_once": 0}, 8, (1, 8)),
        ({"whisper_at_once": 16, "whisper_threads": 8}, 2, (8, 1)),
    ],
)
def test_batches_share_the_threads_of_a_cpu(monkeypatch, given, cores, wanted):
    monkeypatch.setattr(whisper.os, "sched_getaffinity", lambda _: set(range(cores)))
    assert shares(Settings(**given), "cpu") == wanted


@pytest.mark.parametrize(
    ("width", "at_once", "batch"),
    [(384, 4, 6), (512, 4, 6), (768, 1, 6), (768, 2, 3), (1280, 16, 1)],
)
def test_a_wide_model_has_no_more_windows_in_memory_than_one_batch(width, at_once, batch):
    inner = SimpleNamespace(n_mels=80, generate=lambda *args, **options: [])
    model = SimpleNamespace(
        model=inner,
        hf_tokenizer=SimpleNamespace(token_to_id=len),
        encode=lambda features: np.zeros((1, 1_500, width)),
    )
    engine = Whisper(model, "wide", "cpu", "int8")
    engine.at_once = at_once
    engine.warm_up()
    assert engine.batch == batch


@pytest.mark.models
@pytest.mark.slow
def test_memory_goes_back_after_a_minute_of_sound(engine, spoken, monkeypatch):
    given_back = []
    monkeypatch.setattr(whisper, "give_back", lambda: given_back.append(True))
    monkeypatch.setattr(engine, "_heard", 0.0)
    for _ in range(int(60 / (len(spoken) / RATE)) + 1):
        assert not given_back
        list(hear(engine, spoken, TranscribeOptions("ko", beam_size=1, word_timestamps=False))[1])
    assert given_back


def test_a_gpu_decodes_one_batch_after_the_other():
    assert shares(Settings(), "cuda") == (1, 0)
