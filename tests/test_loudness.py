"""How loud sound is, and what makes it as loud as wanted."""

import numpy as np
import pyebur128
import pytest

from speech.loudness import Limiter, Meter

RATE = 22_050
CEILING = 10 ** (-1 / 20)


def true_peak(samples: np.ndarray, rate: int) -> float:
    """The largest value between and at the samples; 1 is full scale."""
    meter = pyebur128.R128State(1, rate, pyebur128.MeasurementMode.MODE_TRUE_PEAK)
    meter.add_frames(np.ascontiguousarray(samples, np.float32), len(samples))
    return float(pyebur128.get_true_peak(meter, 0))


def noise(seconds: float, level: float = 0.05) -> np.ndarray:
    return (level * np.random.default_rng(0).standard_normal(int(RATE * seconds))).astype(
        np.float32
    )


def tone(level: float, hz: float = 1_000.0, seconds: float = 3.0) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(RATE * seconds)) / RATE)).astype(
        np.float32
    )


def gain(samples: np.ndarray, target: float) -> float:
    meter = Meter(RATE)
    for piece in np.array_split(samples, 5):
        meter.add(piece)
    return meter.gain(target)


def test_a_sine_of_minus_twenty_decibels_is_minus_23_lufs() -> None:
    """ITU-R BS.1770: a 1 kHz sine at full scale in one channel is -3.01 LKFS."""
    assert 20 * np.log10(gain(tone(0.1), -23.01)) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.7, 5.0])
def test_however_short_it_is_sound_gets_its_loudness(seconds: float) -> None:
    louder = noise(seconds) * np.float32(gain(noise(seconds), -18.0))
    assert gain(louder, -18.0) == pytest.approx(1.0, abs=0.001)


def limited(samples: np.ndarray, pieces: int = 7) -> np.ndarray:
    limiter = Limiter(RATE)
    found = [limiter.limited(piece) for piece in np.array_split(samples, pieces)]
    return np.concatenate([*found, limiter.rest()])


def test_what_would_clip_stays_under_the_ceiling() -> None:
    loud = np.convolve(noise(3.0, 1.2), np.full(8, 1 / 8), "same").astype(
        np.float32
    )  # as dark as speech
    made = limited(loud)
    assert true_peak(loud, RATE) > 1.5 and true_peak(made, RATE) <= CEILING
    assert len(made) == len(loud)


def test_what_is_quiet_enough_is_only_resampled() -> None:
    quiet = tone(0.5)
    assert np.abs(limited(quiet) - quiet)[200:-200].max() < 1e-3
    assert len(limited(noise(0.001), 1)) == int(RATE * 0.001)


def test_peaks_between_samples_count() -> None:
    sine = tone(1.0, RATE / 4)
    between = np.sin(np.pi / 4 + np.pi / 2 * np.arange(RATE)).astype(np.float32)
    assert np.abs(between).max() < 0.71 and true_peak(between, RATE) > 0.99
    assert true_peak(sine, RATE) == pytest.approx(1.0, abs=0.02)


def test_silence_and_nothing_stay_as_they_are() -> None:
    assert gain(np.zeros(RATE, np.float32), -18.0) == gain(np.zeros(0, np.float32), -18.0) == 1.0
