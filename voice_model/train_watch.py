"""What a training shows of itself at each checkpoint: a held-out sentence as sound, and its alignment."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from voice_model.pipeline import durations
from voice_model.train_data import Example, collate
from voice_model.train_glow import GuidedGlow

SCALE, STEP = 2, 12  # pixels of a frame, of a symbol


@dataclass(frozen=True)
class AcousticWatch:
    """Speaks an example with a finished vocoder; draws its durations over those of the alignment."""

    folder: Path
    example: Example
    vocoder: torch.nn.Module
    rate: int

    @torch.no_grad()
    def __call__(self, model: GuidedGlow, step: int) -> None:
        """Write acoustic-{step}.wav and .svg."""
        batch = {name: each.to(device(model)) for name, each in collate([self.example]).items()}
        seen = model.see(batch)
        mel = model.decoded(seen)
        self.folder.mkdir(parents=True, exist_ok=True)
        samples = self.vocoder(mel.cpu())[0, 0].numpy()
        soundfile.write(self.folder / f"acoustic-{step}.wav", samples, self.rate)
        aligned = seen["path"][0].sum(1).cpu().numpy().astype(int)
        told = durations(seen["log_frames"][0, 0].cpu().numpy(), 1.0)
        text = alignment(self.example.item.reading, aligned, told)
        (self.folder / f"acoustic-{step}.svg").write_text(text, "utf-8")


@dataclass(frozen=True)
class VocoderWatch:
    """Speaks an example's own mel."""

    folder: Path
    example: Example
    rate: int

    @torch.no_grad()
    def __call__(self, model: Any, step: int) -> None:
        """Write vocoder-{step}.wav."""
        mel = torch.from_numpy(self.example.mel)[None].to(device(model))
        self.folder.mkdir(parents=True, exist_ok=True)
        samples = model.model_g(mel)[0, 0].cpu().numpy()
        soundfile.write(self.folder / f"vocoder-{step}.wav", samples, self.rate)


def device(model: torch.nn.Module) -> torch.device:
    """Where the model's weights are."""
    return next(model.parameters()).device


def alignment(title: str, aligned: Sequence[int], told: Sequence[int]) -> str:
    """Two staircases, symbols upwards and frames to the right: the alignment in blue, the predicted in red."""
    width = max(int(np.sum(aligned)), int(np.sum(told))) * SCALE
    height = len(aligned) * STEP
    lines = "".join(
        f'<polyline fill="none" stroke="{colour}" points="{_stairs(frames, height)}"/>'
        for frames, colour in ((aligned, "#26c"), (told, "#c22"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f"<title>{html.escape(title)}</title>{lines}</svg>\n"
    )


def _stairs(frames: Sequence[int], height: int) -> str:
    ends = np.cumsum(frames) * SCALE
    starts = np.concatenate([[0], ends[:-1]])
    return " ".join(
        f"{start},{height - place * STEP} {end},{height - place * STEP}"
        for place, (start, end) in enumerate(zip(starts, ends, strict=True))
    )
