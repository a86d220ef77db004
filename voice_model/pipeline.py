"""From symbols to sound, the same for every engine: what an engine adds is its three networks."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from speech.audio import Audio
from speech.voices import Voice

SEED = 20_240_229  # the same request gives the same bytes
WINDOW = 512  # frames vocoded at a time, about 6 s: what a cancelled job waits for, and what memory holds
MARGIN = 24  # frames around a window; the vocoder sees no further (tests compare with one pass)


@dataclass(frozen=True)
class SpeakOptions:
    """How to speak: `length_scale` stretches time (2.0 is half speed), noise is drawn from `seed`."""

    length_scale: float = 1.0
    noise_scale: float | None = None  # None: the voice's own
    seed: int = SEED
    frames: tuple[int, ...] | None = (
        None  # forced frames of what the network is given, to compare engines
    )


@dataclass(frozen=True)
class Encoded:
    """What the encoder says of n symbols: `mean` and `log_std` are (80, n), `log_frames` is (n,)."""

    mean: np.ndarray
    log_std: np.ndarray
    log_frames: np.ndarray


class Networks(Protocol):
    """The three networks of one model, float32 in and out, in one engine's library."""

    def encode(self, symbols: np.ndarray, speaker: int) -> Encoded:
        """The acoustic model's text half; `symbols` is int64 (n,)."""

    def decode(self, latent: np.ndarray, speaker: int) -> np.ndarray:
        """The mel (80, t) of a latent (80, t); t is even."""

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        """The samples (t * hop,) of a mel (80, t)."""


def speak(
    networks: Networks,
    symbols: list[int],
    voice: Voice,
    options: SpeakOptions,
    check: Callable[[], None] = lambda: None,
) -> tuple[Audio, list[int]]:
    """The sound of `symbols` and the frames (of voice.hop samples) that each symbol takes.

    `check` is called every few hundred milliseconds of work; what it raises ends the work.
    """
    mel, frames = acoustic(networks, symbols, voice, options)
    samples = np.concatenate(
        [
            _window(networks, mel, start, end, voice.hop, check)
            for start, end in _windows(mel.shape[1])
        ]
    )
    return Audio(np.clip(samples, -1.0, 1.0).astype(np.float32, copy=False), voice.rate), frames


def _windows(frames: int) -> list[tuple[int, int]]:
    """Spans of about WINDOW frames, as even as can be: a short rest would cost as much margin as a whole one."""
    count = max(1, round(frames / WINDOW))
    return list(pairwise(frames * number // count for number in range(count + 1)))


def _window(
    networks: Networks, mel: np.ndarray, start: int, end: int, hop: int, check: Callable[[], None]
) -> np.ndarray:
    check()
    first = max(0, start - MARGIN)
    samples = networks.vocode(np.ascontiguousarray(mel[:, first : end + MARGIN]))
    return samples[(start - first) * hop : (end - first) * hop]


def acoustic(
    networks: Networks, symbols: list[int], voice: Voice, options: SpeakOptions
) -> tuple[np.ndarray, list[int]]:
    """The mel (80, t) of `symbols` and the frames of each symbol, whose sum is t.

    Raises ValueError without symbols.
    """
    if not symbols:
        raise ValueError("there is nothing to speak")
    speaker = voice.speaker_id or 0
    encoded = networks.encode(_spaced(symbols, voice), speaker)
    frames = np.asarray(options.frames or durations(encoded.log_frames, options.length_scale))
    latent = _latent(encoded, frames, voice, options)
    return networks.decode(latent, speaker), _of_symbols(frames, voice)


def predicted(
    networks: Networks, symbols: list[int], voice: Voice, options: SpeakOptions
) -> list[int]:
    """The frames of each symbol that `speak` would give, without a sound. Raises ValueError without symbols."""
    if not symbols:
        raise ValueError("there is nothing to speak")
    encoded = networks.encode(_spaced(symbols, voice), voice.speaker_id or 0)
    return _of_symbols(np.asarray(durations(encoded.log_frames, options.length_scale)), voice)


def _spaced(symbols: list[int], voice: Voice) -> np.ndarray:
    """The network's input: of a voice trained with `add_blank`, with a blank around each symbol."""
    if voice.blank is None:
        return np.asarray(symbols, np.int64)
    spaced = np.full(2 * len(symbols) + 1, voice.blank, np.int64)
    spaced[1::2] = symbols
    return spaced


def _of_symbols(frames: np.ndarray, voice: Voice) -> list[int]:
    """The frames of each symbol, with those of the blank before it; the last one has the last blank's too."""
    if voice.blank is not None:
        last, frames = frames[-1], frames[:-1:2] + frames[1::2]
        frames[-1] += last
    return [int(count) for count in frames]


def durations(log_frames: np.ndarray, length_scale: float) -> list[int]:
    """Whole frames of each symbol, at least one; the sum is even, as the decoder takes frames in pairs."""
    frames = np.maximum(np.ceil((np.exp(log_frames) - 1.0) * length_scale), 1).astype(int)
    frames[-1] += frames.sum() % 2
    return [int(count) for count in frames]


def _latent(
    encoded: Encoded, frames: np.ndarray, voice: Voice, options: SpeakOptions
) -> np.ndarray:
    mean = np.repeat(encoded.mean, frames, axis=1)
    scale = voice.noise_scale if options.noise_scale is None else options.noise_scale
    if scale == 0:
        return mean
    noise = np.random.default_rng(options.seed).standard_normal(mean.shape, dtype=np.float32)
    return mean + np.exp(np.repeat(encoded.log_std, frames, axis=1)) * noise * np.float32(scale)
