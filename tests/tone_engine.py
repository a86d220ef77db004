"""A plug-in (MOKSORI_PLUGINS=tests.tone_engine) with a speech engine `tone`, whose voice is a file of one word.

The file holds the loudness of the voice ("0.25"), perhaps the seconds that a sentence takes ("0.25 0.5"); anything
else does not load.
"""

import time
from pathlib import Path

import numpy as np

from speech.settings import Settings
from speech.voices import Voice
from voice_model.engines import ENGINES
from voice_model.pipeline import Encoded

ROLES = ("tone",)
OPTIONAL = ("card",)


class Tone:
    """Networks whose every symbol lasts four frames of one loudness."""

    def __init__(self, path: Path) -> None:
        self.loudness, self.seconds, *_ = [*map(float, path.read_text().split()), 0.0]

    def encode(self, symbols: np.ndarray, speaker: int) -> Encoded:
        time.sleep(self.seconds)
        zeros = np.zeros((80, len(symbols)), np.float32)
        return Encoded(zeros, zeros, np.full(len(symbols), np.log(4.9), np.float32))

    def decode(self, latent: np.ndarray, speaker: int) -> np.ndarray:
        return latent

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        return np.full(mel.shape[1] * 256, self.loudness, np.float32)


def open_networks(voice: Voice, settings: Settings) -> Tone:
    """The voice that its file describes. Raises ValueError for another file."""
    return Tone(voice.files["tone"].verified())


ENGINES["tone"] = "tests.tone_engine"
