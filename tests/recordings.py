"""Datasets for tests: sounds whose syllables and silence are known, in the layouts that training reads."""

import wave
from pathlib import Path

import numpy as np

RATE = 22_050


def sound(
    seconds: float = 2.0, seed: int = 0, silence: float = 0.1, rate: int = RATE
) -> np.ndarray:
    """Noise of middling level with silence at both ends."""
    draw = np.random.default_rng(seed)
    samples = 0.1 * draw.standard_normal(round(seconds * rate))
    edge = round(silence * rate)
    samples[:edge] = samples[len(samples) - edge :] = 0
    return samples.clip(-0.9, 0.9)


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    """A mono WAV of 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
