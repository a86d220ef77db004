"""Sound into files, and back."""

import wave
from pathlib import Path

import av
import numpy as np
import pytest

from speech.encode import FORMATS, PCM_RATE, encode, find_format, read_wav
from speech.errors import InvalidRequest

RATE = 22_050


def tone(seconds: float = 2.0, level: float = 0.5) -> np.ndarray:
    at = np.arange(int(RATE * seconds)) / RATE
    return (level * np.sin(2 * np.pi * 440 * at)).astype(np.float32)


def decoded(path: Path, name: str) -> tuple[np.ndarray, int]:
    if name == "pcm":
        return np.frombuffer(path.read_bytes(), "<i2") / 32768.0, PCM_RATE
    with av.open(str(path)) as container:
        frames = [frame for frame in container.decode(audio=0)]
        rate = frames[0].sample_rate
        whole = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames])
    return whole / (32768.0 if whole.dtype != np.float32 and np.abs(whole).max() > 2 else 1), rate


@pytest.mark.parametrize("name", list(FORMATS))
def test_what_was_written_is_heard_again_as_long_and_as_loud(name: str, tmp_path: Path) -> None:
    sound = tone()
    encode(np.array_split(sound, 7), RATE, name, tmp_path / "x")
    back, rate = decoded(tmp_path / "x", name)
    assert len(back) / rate == pytest.approx(2.0, abs=0.1)  # ADTS tells no padding
    middle = back[len(back) // 4 : -len(back) // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(
        0.5 / np.sqrt(2), rel=0.06
    )  # LAME plays safe by 5 %


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_same_sound_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    for file in ("a", "b"):
        encode([tone()], RATE, name, tmp_path / file)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_wav_tells_its_true_size(tmp_path: Path) -> None:
    encode(np.array_split(tone(), 3), RATE, "wav", tmp_path / "x.wav")
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert (file.getnframes(), file.getframerate()) == (len(tone()), RATE)
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
    assert (tmp_path / "x.wav").stat().st_size == 44 + 2 * len(tone())


def test_a_wav_is_read_back_in_pieces(tmp_path: Path) -> None:
    sound = tone(8.0)
    encode([sound], RATE, "wav", tmp_path / "x.wav")
    pieces = list(read_wav(tmp_path / "x.wav"))
    assert len(pieces) > 1
    assert np.abs(np.concatenate(pieces) - sound).max() < 1e-4


def test_too_loud_is_clipped_not_wrapped(tmp_path: Path) -> None:
    encode([tone(level=3.0)], RATE, "wav", tmp_path / "x.wav")
    whole = np.concatenate(list(read_wav(tmp_path / "x.wav")))
    assert np.abs(np.diff(whole)).max() < 0.5


def test_an_unknown_format_is_refused_with_what_there_is() -> None:
    with pytest.raises(InvalidRequest, match="mp3") as caught:
        find_format("wma")
    assert caught.value.param == "response_format"
