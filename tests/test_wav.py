"""Samples out of a WAV of ours."""

import wave

import numpy as np
import pytest

from speech.encode import encode
from speech.wav import copied

RATE = 16_000
SOUND = np.arange(-32_768, 32_767, 3, dtype=np.int16)


@pytest.fixture
def source(tmp_path):
    encode([SOUND[:5_000], SOUND[5_000:]], RATE, "wav", tmp_path / "a.wav")
    return tmp_path / "a.wav"


def test_samples_go_into_a_wav_and_come_back_as_they_were(source, tmp_path):
    assert copied(source, tmp_path / "raw", RATE) == len(SOUND)
    assert (np.fromfile(tmp_path / "raw", np.int16) == SOUND).all()


def test_one_that_breaks_off_is_not_taken(source, tmp_path):
    source.write_bytes(source.read_bytes()[:-10])
    assert copied(source, tmp_path / "raw", RATE) == 0


@pytest.mark.parametrize("content", [b"", b"RIFF", b"fLaC" + bytes(400)])
def test_what_is_no_wav_is_not_taken(source, tmp_path, content):
    source.write_bytes(content)
    assert copied(source, tmp_path / "raw", RATE) == 0


@pytest.mark.parametrize(
    ("channels", "width", "rate"), [(2, 2, RATE), (1, 1, RATE), (1, 2, 44_100)]
)
def test_a_wav_of_another_kind_is_not_taken(tmp_path, channels, width, rate):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(400))
    assert copied(tmp_path / "a.wav", tmp_path / "raw", RATE) == 0
