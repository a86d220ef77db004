"""Sound on its way into files: loudness, rates, tags."""

import wave
from pathlib import Path

import av
import numpy as np
import pytest

from speech.encode import FORMATS, Tags, read_wav
from speech.loudness import Meter
from speech.sound_types import RATES
from tests.test_loudness import CEILING, true_peak
from worker.recording import Finish, Recording

RATE = 22_050


def said(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    """Noise as dark as speech, and as loud as a sentence may be."""
    made = np.random.default_rng(seed).standard_normal(int(RATE * seconds))
    made = level * 2.8 * np.convolve(made, np.full(8, 1 / 8), "same")
    return np.clip(made, -1, 1).astype(np.float32)


SENTENCES = [said(1.5, 0.02), said(2.0, 0.05, 1), said(0.5, 0.03, 2)]


def recorded(
    folder: Path, sentences: list[np.ndarray], finish: Finish, live: str | None = None
) -> bytes:
    folder.mkdir(exist_ok=True)
    stream = b""
    with Recording(folder, ["wav"], RATE, finish, live) as recording:
        for number, samples in enumerate(sentences, 1):
            recording.add(samples)
            stream += recording.take(number == len(sentences))
        recording.finish("", "ko", {})
    return stream


def sound(folder: Path) -> np.ndarray:
    return np.concatenate(list(read_wav(folder / "speech.wav")))


def decibels_off(samples: np.ndarray, target: float) -> float:
    meter = Meter(RATE)
    meter.add(samples)
    return float(20 * np.log10(meter.gain(target)))


@pytest.mark.parametrize("target", [-30.0, -23.0, -18.0])
def test_a_whole_gets_its_loudness_and_its_sentences_keep_theirs(
    tmp_path: Path, target: float
) -> None:
    recorded(tmp_path, SENTENCES, Finish(loudness=target))
    made = sound(tmp_path)
    assert decibels_off(made, target) == pytest.approx(0.0, abs=0.1)
    first, second = made[: len(SENTENCES[0])], made[len(SENTENCES[0]) :][: len(SENTENCES[1])]
    assert np.std(second) / np.std(first) == pytest.approx(2.5, rel=0.02)


def test_of_a_stream_the_first_sentence_decides(tmp_path: Path) -> None:
    recorded(tmp_path, SENTENCES, Finish(loudness=-23.0), live="pcm")
    made = sound(tmp_path)
    assert decibels_off(made[: len(SENTENCES[0])], -23.0) == pytest.approx(0.0, abs=0.1)
    assert np.std(made[len(SENTENCES[0]) :][: len(SENTENCES[1])]) / np.std(
        made[: len(SENTENCES[0])]
    ) == pytest.approx(2.5, rel=0.02)


@pytest.mark.parametrize("live", [None, "pcm"])
def test_nothing_clips_however_loud_a_later_sentence_is(tmp_path: Path, live: str | None) -> None:
    recorded(tmp_path, [said(1.0, 0.01), said(1.0, 0.3, 1)], Finish(loudness=-14.0), live)
    made = sound(tmp_path)
    assert true_peak(made, RATE) <= CEILING
    assert len(made) == 2 * RATE


def test_without_a_loudness_sound_stays_as_it_comes(tmp_path: Path) -> None:
    recorded(tmp_path, SENTENCES, Finish())
    assert np.allclose(sound(tmp_path), np.concatenate(SENTENCES), atol=1e-4)


@pytest.mark.parametrize("rate", RATES)
def test_files_are_at_the_rate_asked_for_and_as_long(tmp_path: Path, rate: int) -> None:
    recorded(tmp_path, SENTENCES, Finish(rate, -18.0))
    with wave.open(str(tmp_path / "speech.wav")) as file:
        assert file.getframerate() == rate
        assert file.getnframes() / rate == pytest.approx(4.0, abs=256 / RATE)


def test_a_stream_is_at_the_rate_asked_for(tmp_path: Path) -> None:
    stream = recorded(tmp_path, SENTENCES, Finish(8_000), live="pcm")
    assert len(stream) / 2 / 8_000 == pytest.approx(4.0, abs=0.001)


@pytest.mark.parametrize("name", ["wav", "mp3", "flac", "opus"])
def test_files_say_what_they_are(tmp_path: Path, name: str) -> None:
    tags = Tags("닭고기 13개", "가온", "Apache-2.0")
    encoder = FORMATS[name].open(tmp_path / "x", RATE, tags=tags)
    encoder.write(said(1.0, 0.1))
    encoder.close()
    with av.open(str(tmp_path / "x")) as file:
        told = {**file.metadata, **file.streams[0].metadata}
    told = {key.lower(): value for key, value in told.items()}
    assert (told["title"], told["artist"], told["copyright"]) == (
        tags.title,
        tags.artist,
        tags.copyright,
    )


def test_a_wav_with_tags_tells_its_true_size(tmp_path: Path) -> None:
    encoder = FORMATS["wav"].open(tmp_path / "x.wav", RATE, tags=Tags("odd", "가온"))
    encoder.write(said(1.0, 0.1))
    encoder.close()
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert file.getnframes() == RATE
    data = (tmp_path / "x.wav").read_bytes()
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


def test_the_files_of_a_recording_that_fails_are_closed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the voice broke"):
        with Recording(tmp_path, ["wav"], RATE, Finish(loudness=-18.0)) as recording:
            recording.add(SENTENCES[0])
            raise RuntimeError("the voice broke")
    assert recording._waiting is not None and recording._waiting.closed
