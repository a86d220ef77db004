"""Sound in memory."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Audio:
    """Mono sound: `samples` is float32 in [-1, 1], shape (n,)."""

    samples: np.ndarray
    rate: int  # Hz

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate
