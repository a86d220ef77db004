"""How loud sound is and what makes it as loud as wanted: EBU R128 (ITU-R BS.1770), by libebur128.

https://github.com/jodhus/pyebur128, https://ffmpeg.org/ffmpeg-filters.html#alimiter
"""

import math
from fractions import Fraction

import av
import numpy as np
import pyebur128
import soxr

LIMIT = 10 ** (-1.2 / 20)  # true peak: -1 dB (EBU R128 s2), less what the way back to the rate adds
OVER = 4  # times the rate (ITU-R BS.1770, annex 2)
SHORTEST = (
    1.0  # seconds; BS.1770 measures blocks of 0.4 s, so what is shorter is measured over and over
)


class Meter:
    """Measures sound as it comes; `samples` are float32 in [-1, 1], shape (n,)."""

    def __init__(self, rate: int) -> None:
        self._state = pyebur128.R128State(1, rate, pyebur128.MeasurementMode.MODE_I)
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
        """What brings the sound to `target` LUFS; 1 for silence."""
        loudness = self._loudness()
        return 1.0 if math.isinf(loudness) else float(10 ** ((target - loudness) / 20))

    def _loudness(self) -> float:
        if 0 < self._count < SHORTEST * self._rate:
            again = Meter(self._rate)
            again.add(
                np.tile(np.concatenate(self._begun), 1 + int(SHORTEST * self._rate / self._count))
            )
            return again._loudness()
        return float(pyebur128.get_loudness_global(self._state))


class Limiter:
    """Holds the true peak of sound under LIMIT, looking 5 ms ahead, on four times the samples."""

    def __init__(self, rate: int) -> None:
        self._rate, self._at = rate * OVER, 0
        self._up = soxr.ResampleStream(rate, self._rate, 1, dtype="float32")
        self._down = soxr.ResampleStream(self._rate, rate, 1, dtype="float32")
        graph = av.filter.Graph()
        form = (
            f"sample_rate={self._rate}:sample_fmt=flt:channel_layout=mono:time_base=1/{self._rate}"
        )
        limit = f"limit={LIMIT}:level=disabled:attack=5:release=50:latency=1"
        chain = [
            graph.add("abuffer", form),
            graph.add("alimiter", limit),
            graph.add("aformat", "sample_fmts=flt"),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*chain).configure()
        self._graph, self._source, self._sink = graph, chain[0], chain[-1]

    def limited(self, samples: np.ndarray) -> np.ndarray:
        """The next sound; its last milliseconds come with what follows."""
        self._push(self._up.resample_chunk(samples.astype(np.float32)))
        return self._down.resample_chunk(self._pulled())

    def rest(self) -> np.ndarray:
        """What is left."""
        self._push(self._up.resample_chunk(np.zeros(0, np.float32), last=True))
        self._source.push(None)
        return self._down.resample_chunk(self._pulled(), last=True)

    def _push(self, samples: np.ndarray) -> None:
        if len(samples):
            frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
            frame.sample_rate, frame.pts = self._rate, self._at
            frame.time_base = Fraction(1, self._rate)
            self._at += len(samples)
            self._source.push(frame)

    def _pulled(self) -> np.ndarray:
        found = [np.zeros(0, np.float32)]
        while True:
            try:
                found.append(self._sink.pull().to_ndarray().reshape(-1))
            except (av.BlockingIOError, av.EOFError):
                return np.concatenate(found)
