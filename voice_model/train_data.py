"""Mels of recordings, and batches of them, drawn by step so that a resumed run draws the same."""

import hashlib
import os
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from TTS.config.shared_configs import BaseAudioConfig
from TTS.utils.audio import AudioProcessor

from voice_model.train_plan import Item

FLOOR = -4.0  # the lowest value of a mel


@dataclass(frozen=True)
class Example:
    """One recording: `samples` (t * hop,), `mel` (80, t), the ids of its symbols, frames of each or none."""

    item: Item
    samples: np.ndarray
    mel: np.ndarray

    @property
    def frames(self) -> np.ndarray | None:
        """Given frames of each symbol, their sum the mel's."""
        if not self.item.frames:
            return None
        frames = np.array(self.item.frames)
        frames[-1] = max(1, frames[-1] + self.mel.shape[1] - frames.sum())
        return frames


def load(items: Sequence[Item], audio: dict[str, Any], folder: Path) -> list[Example]:
    """Every recording with its mel, in order of length; mels are kept in `folder`."""
    processor = AudioProcessor(BaseAudioConfig(**known(audio)))
    folder.mkdir(parents=True, exist_ok=True)
    found = [_example(item, processor, folder) for item in items]
    return sorted(found, key=lambda each: each.mel.shape[1])


def known(audio: dict[str, Any]) -> dict[str, Any]:
    """What of a checkpoint's audio config AudioProcessor takes."""
    fields = BaseAudioConfig().to_dict()
    return {name: value for name, value in audio.items() if name in fields}


def _example(item: Item, processor: AudioProcessor, folder: Path) -> Example:
    with wave.open(str(item.sound), "rb") as file:
        content = file.readframes(file.getnframes())
    samples = np.frombuffer(content, "<i2").astype(np.float32) / 32768
    kept = (
        folder / f"{hashlib.sha256(content).hexdigest()[:32]}.npy"
    )  # a mended recording is another
    if not kept.exists():
        part = folder / "part.npy"
        np.save(part, processor.melspectrogram(samples).astype(np.float32))
        os.replace(part, kept)
    return Example(item, samples, np.load(kept))


class Batches:
    """Batches of a step; `draw(step)` makes one. Trainer walks it once for each checkpoint."""

    def __init__(self, draw: Any, steps: int, save_every: int) -> None:
        self._draw, self._steps, self._save_every = draw, steps, save_every
        self.first = 0  # the step that the next walk begins with

    def __len__(self) -> int:
        return max(0, min(self._save_every, self._steps - self.first))

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        first = self.first
        for step in range(first, first + len(self)):
            yield self._draw(step)


def acoustic_batch(
    examples: Sequence[Example], size: int, seed: int, step: int
) -> dict[str, torch.Tensor]:
    """Some neighbours in length: symbols, mel, and their path where every one of them has durations."""
    size = min(size, len(examples))
    start = int(np.random.default_rng([seed, step]).integers(0, len(examples) - size + 1))
    return collate(examples[start : start + size])


def collate(chosen: Sequence[Example]) -> dict[str, torch.Tensor]:
    """symbols (b, n), mel (b, 80, t), their lengths (b,), speakers (b,), perhaps path (b, n, t)."""
    symbols = [torch.tensor(each.item.symbols) for each in chosen]
    longest = max(each.mel.shape[1] for each in chosen)
    mel = torch.full((len(chosen), chosen[0].mel.shape[0], longest), FLOOR)
    for row, each in zip(mel, chosen, strict=True):
        row[:, : each.mel.shape[1]] = torch.from_numpy(each.mel)
    batch = {
        "symbols": torch.nn.utils.rnn.pad_sequence(symbols, batch_first=True),
        "symbol_lengths": torch.tensor([len(each) for each in symbols]),
        "mel": mel,
        "mel_lengths": torch.tensor([each.mel.shape[1] for each in chosen]),
        "speakers": torch.tensor([each.item.speaker for each in chosen]),
    }
    given = [each.frames for each in chosen]
    if all(frames is not None for frames in given):
        batch["path"] = path(given, batch["symbols"].shape[1], longest)
    return batch


def path(given: Sequence[Any], symbols: int, frames: int) -> torch.Tensor:
    """Which frames each symbol takes, as ones: (b, n, t)."""
    found = torch.zeros(len(given), symbols, frames)
    for row, counts in zip(found, given, strict=True):
        ends = np.cumsum(counts)
        for symbol, (start, end) in enumerate(zip(ends - counts, ends, strict=True)):
            row[symbol, start:end] = 1.0
    return found


def vocoder_batch(
    examples: Sequence[Example], size: int, segment: int, hop: int, seed: int, step: int
) -> dict[str, torch.Tensor]:
    """input (b, 80, segment) and waveform (b, 1, segment * hop), longer recordings more often."""
    rng = np.random.default_rng([seed, step])
    lengths = np.array([each.mel.shape[1] for each in examples], float)
    mels, sounds = [], []
    for place in rng.choice(len(examples), size, p=lengths / lengths.sum()):
        mel, samples = examples[place].mel, examples[place].samples
        start = int(rng.integers(0, max(1, mel.shape[1] - segment)))
        mels.append(_fit(mel[:, start : start + segment], segment, FLOOR))
        sounds.append(
            _fit(samples[None, start * hop : (start + segment) * hop], segment * hop, 0.0)
        )
    return {
        "input": torch.from_numpy(np.stack(mels)),
        "waveform": torch.from_numpy(np.stack(sounds)),
    }


def _fit(values: np.ndarray, length: int, filler: float) -> np.ndarray:
    missing = length - values.shape[1]
    return np.pad(values, ((0, 0), (0, missing)), constant_values=filler)
