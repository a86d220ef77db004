"""How loud sound is and what makes it as loud as wanted: EBU R128 (ITU-R BS.1770), by libebur128.

https://github.com/jodhus/pyebur128
"""

import math

import numpy as np
import pyebur128

CEILING = 10 ** (
    -1 / 20
)  # true peak, 1 dB below full scale: room for what a decoder adds (EBU R128 s2)
SHORTEST = (
    1.0  # seconds; BS.1770 measures blocks of 0.4 s, so what is shorter is measured over and over
)


class Meter:
    """Measures sound as it comes; `samples` are float32 in [-1, 1], shape (n,)."""

    def __init__(self, rate: int) -> None:
        mode = pyebur128.MeasurementMode.MODE_I | pyebur128.MeasurementMode.MODE_TRUE_PEAK
        self._state = pyebur128.R128State(1, rate, mode)
        self._rate, self._count = rate, 0
        self._begun: list[np.ndarray] = []  # what came first, as long as it is short

    def add(self, samples: np.ndarray) -> None:
        """The next sound."""
        if not len(samples):
            return
        samples = np.ascontiguousarray(samples, np.float32)
        self._state.add_frames(samples, len(samples))
        if self._count < SHORTEST * self._rate:
            self._begun.append(samples)
        self._count += len(samples)

    def gain(self, target: float) -> float:
        """What brings the sound to `target` LUFS, less where its true peak would pass CEILING; 1 for silence."""
        peak = pyebur128.get_true_peak(self._state, 0)
        loudness = self._loudness()
        if not peak or math.isinf(loudness):
            return 1.0
        return float(min(10 ** ((target - loudness) / 20), CEILING / peak))

    def _loudness(self) -> float:
        if 0 < self._count < SHORTEST * self._rate:
            again = Meter(self._rate)
            again.add(
                np.tile(np.concatenate(self._begun), 1 + int(SHORTEST * self._rate / self._count))
            )
            return again._loudness()
        return float(pyebur128.get_loudness_global(self._state))


def true_peak(samples: np.ndarray, rate: int) -> float:
    """The largest value between and at the samples; 1 is full scale."""
    meter = pyebur128.R128State(1, rate, pyebur128.MeasurementMode.MODE_TRUE_PEAK)
    meter.add_frames(np.ascontiguousarray(samples, np.float32), len(samples))
    return float(pyebur128.get_true_peak(meter, 0))
