"""The voices that ship, spoken by the engine that ships."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speech.errors import Internal
from speech.korean.reader import symbols
from speech.settings import Settings
from speech.voices import SHIPPED, Voice, Voices, load_voices, read_voices
from voice_model import engines, pipeline
from voice_model.engines import Engine, choose, load
from voice_model.pipeline import SpeakOptions

pytestmark = pytest.mark.models

SETTINGS = Settings(speech_engine="onnx")
VOICES = load_voices(SETTINGS)
READING = "안녕하세요, 저는 목쏘리임니다."


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load(VOICES, SETTINGS)


def ids(voice: Voice, reading: str = READING) -> list[int]:
    return symbols(reading, voice)[0]


@pytest.mark.parametrize("member", [1, 2, 3, 4, 5])
def test_each_member_speaks_for_as_long_as_its_symbols_last(engine: Engine, member: int) -> None:
    voice = VOICES.find(member)
    audio, frames = engine.synthesize(ids(voice), voice, SpeakOptions())
    assert len(frames) == len(ids(voice))
    assert sum(frames) * voice.hop == len(audio.samples)
    assert 2.0 < audio.duration < 4.5
    assert np.sqrt(np.mean(audio.samples**2)) > 0.02
    assert np.abs(audio.samples).max() <= 1.0


def test_the_members_are_different_voices(engine: Engine) -> None:
    said = [
        engine.synthesize(ids(voice), voice, SpeakOptions())[0].samples[:20_000] for voice in VOICES
    ]
    likeness = np.corrcoef(said)
    assert np.abs(likeness - np.eye(5)).max() < 0.9


@pytest.mark.parametrize("noise_scale", [0.0, 0.4])
def test_the_same_request_gives_the_same_bytes(engine: Engine, noise_scale: float) -> None:
    voice, options = VOICES.find(1), SpeakOptions(noise_scale=noise_scale)
    once, again = (engine.synthesize(ids(voice), voice, options)[0].samples for _ in range(2))
    assert once.tobytes() == again.tobytes()


def test_the_seed_and_the_length_scale_are_heard(engine: Engine) -> None:
    voice = VOICES.find(1)
    usual, _ = engine.synthesize(ids(voice), voice, SpeakOptions(noise_scale=0.4))
    other, _ = engine.synthesize(ids(voice), voice, SpeakOptions(noise_scale=0.4, seed=1))
    slow, _ = engine.synthesize(ids(voice), voice, SpeakOptions(length_scale=2.0))
    assert np.abs(usual.samples - other.samples).max() > 0.01
    assert slow.duration == pytest.approx(2 * usual.duration, rel=0.12)


def test_vocoding_in_windows_sounds_as_in_one_pass(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = VOICES.find(2)
    whole, _ = engine.synthesize(ids(voice), voice, SpeakOptions(length_scale=2.0))
    monkeypatch.setattr(pipeline, "WINDOW", 64)
    cut, _ = engine.synthesize(ids(voice), voice, SpeakOptions(length_scale=2.0))
    assert np.abs(whole.samples - cut.samples).max() < 1e-5


@pytest.mark.parametrize("frames", [1, 511, 513, 767, 769, 1_700, 100_001])
def test_windows_leave_no_frame_out_and_are_of_like_length(frames: int) -> None:
    windows = pipeline._windows(frames)
    assert [0, *(end for _, end in windows)] == [*(start for start, _ in windows), frames]
    lengths = [end - start for start, end in windows]
    assert max(lengths) - min(lengths) <= 1
    assert max(lengths) <= 1.5 * pipeline.WINDOW


def test_one_symbol_can_be_spoken_and_none_cannot(engine: Engine) -> None:
    voice = VOICES.find(1)
    audio, frames = engine.synthesize(ids(voice, "."), voice, SpeakOptions())
    assert sum(frames) * voice.hop == len(audio.samples) > 0
    with pytest.raises(ValueError, match="nothing"):
        engine.synthesize([], voice, SpeakOptions())


def test_a_damaged_voice_is_reported_while_the_others_speak(tmp_path: Path) -> None:
    engine = load(_with_a_damaged_voice(tmp_path), SETTINGS)
    assert list(engine.broken) == [6]
    assert "checksum" in engine.broken[6]
    voice = VOICES.find(1)
    assert engine.synthesize(ids(voice), voice, SpeakOptions())[0].duration > 2


def test_when_every_voice_is_broken_nothing_is_served(tmp_path: Path) -> None:
    voices = _with_a_damaged_voice(tmp_path)
    with pytest.raises(Internal) as caught:
        load(Voices([voice for voice in voices if voice.member == 6]), SETTINGS)
    assert caught.value.code == "every_voice_broken"


def _with_a_damaged_voice(folder: Path) -> Voices:
    first = VOICES.find(1)
    damaged = folder / "damaged.onnx"
    damaged.write_bytes(b"not a graph")
    files = {**first.files, "encoder": replace(first.files["encoder"], path=damaged)}
    sixth = replace(
        first, member=6, slug="x", name="망가진", aliases=(), model="damaged", files=files
    )
    return Voices([*VOICES, sixth])


def test_without_pytorch_auto_is_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "has_coqui", lambda: False)
    assert choose(read_voices(SHIPPED), Settings()) == "onnx"


def test_an_unknown_engine_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="coqui"):
        choose(VOICES, Settings(speech_engine="flite"))
