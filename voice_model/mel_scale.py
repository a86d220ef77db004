"""From one config's scale of mels to another's, as coqui's Synthesizer hands them to a vocoder.

A mel is decibels under an affine map: the range -max_norm..max_norm, means and deviations from a file, or
none (coqui TTS, TTS/utils/audio: AudioProcessor.normalize and denormalize).
"""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core import multiarray

from speech.voices import VoiceFile

LARGEST = 1_048_576  # bytes of a file of means and deviations


@dataclass(frozen=True)
class Scale:
    """mel = decibels * gain + offset, clipped to ±bound (0..bound when `bottom` is 0); per channel (n, 1) or one."""

    gain: Any = 1.0
    offset: Any = 0.0
    bottom: float = -np.inf
    top: float = np.inf

    def same(self, other: "Scale") -> bool:
        """True when both give the same numbers to the same decibels."""
        mine, theirs = (np.broadcast_arrays(x.gain, x.offset) for x in (self, other))
        return (self.bottom, self.top) == (other.bottom, other.top) and all(
            a.shape == b.shape and np.allclose(a, b) for a, b in zip(mine, theirs, strict=True)
        )


def rescale(mel: np.ndarray, given: Scale, wanted: Scale) -> np.ndarray:
    """The mel (n, t) of one scale in the numbers of another, float32."""
    decibels = (np.clip(mel, given.bottom, given.top) - given.offset) / given.gain
    told = np.clip(decibels * wanted.gain + wanted.offset, wanted.bottom, wanted.top)
    return told.astype(np.float32)


def read_scale(audio: dict[str, Any], stats: VoiceFile | None) -> Scale:
    """The scale of a config's `audio`; `stats` is its file, verified before it is opened.

    Raises ValueError for a file that is not what compute_statistics.py writes.
    """
    if not audio.get("signal_norm", True):
        return Scale()
    if audio.get("stats_path") and stats:
        mean, deviation = read_stats(stats.verified())
        return Scale(1.0 / deviation[:, None], -(mean / deviation)[:, None])
    floor, zero = float(audio.get("min_level_db", -100)), float(audio.get("ref_level_db", 20))
    most, both = float(audio.get("max_norm", 4.0)), audio.get("symmetric_norm", True)
    gain = most * (2 if both else 1) / -floor
    offset = -(zero + floor) * gain - (most if both else 0.0)
    if not audio.get("clip_norm", True):
        return Scale(gain, offset)
    return Scale(gain, offset, -most if both else 0.0, most)


def read_stats(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations (n,) of the mel's channels.

    The file is a pickled dict in an .npy: NumPy would run what is in it, so nothing but arrays is let through.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} is larger than {LARGEST} bytes")
    stream = io.BytesIO(path.read_bytes())
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("another format")
        np.lib.format.read_array_header_1_0(stream)
        stats = _Arrays(stream).load().item()
        mean, deviation = (np.asarray(stats[name], float) for name in ("mel_mean", "mel_std"))
    except Exception as error:  # whatever a stranger's bytes make NumPy and pickle raise
        raise ValueError(f"{path.name} holds no means and deviations of mels: {error}") from error
    if mean.ndim != 1 or mean.shape != deviation.shape or not (deviation > 0).all():
        raise ValueError(f"{path.name}: means and deviations do not go together")
    return mean, deviation


class _Arrays(pickle.Unpickler):
    """Builds arrays and plain values; any other name is refused before it is looked up."""

    NAMES = {  # noqa: RUF012 - read only
        "_reconstruct": multiarray._reconstruct,
        "scalar": multiarray.scalar,
        "ndarray": np.ndarray,
        "dtype": np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        """A part of NumPy that makes arrays. Raises UnpicklingError for all else."""
        if module.split(".")[0] == "numpy" and name in self.NAMES:
            return self.NAMES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
