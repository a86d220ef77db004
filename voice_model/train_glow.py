"""Glow-TTS with what decided the quality of the shipped voices, as a model for coqui's Trainer.

Given durations in place of the alignment search; noise on the likelihood's target, because a tenth and more of a
mel's values sit exactly at its floor, a point mass on which a flow's likelihood runs away; and a loss on the
mel decoded from the mean (Glow-TTS: https://arxiv.org/abs/2005.11129, section 3).
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from monotonic_alignment_search import maximum_path
from TTS.tts.layers.losses import GlowTTSLoss
from TTS.tts.models.glow_tts import GlowTTS
from TTS.tts.utils.helpers import sequence_mask

from voice_model.train_plan import Options

Batch = dict[str, torch.Tensor]


class GuidedGlow(GlowTTS):
    """Glow-TTS whose steps take batches of voice_model.train_data.collate."""

    def __init__(self, config: Any, options: Options) -> None:
        super().__init__(config)
        self.options = options
        self.step = 0
        for module in self.decoder.modules():  # dropout costs a tenth of the time and gave nothing
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        if options.precision == "bfloat16":
            for stack in (*self._couplings(), self.encoder.encoder):
                stack.forward = in_bfloat16(stack.forward)

    def _couplings(self) -> Iterator[torch.nn.Module]:
        """The networks of the coupling layers, nine tenths of the arithmetic; the flow around them stays exact."""
        return (flow.wn for flow in self.decoder.flows if hasattr(flow, "wn"))

    def train_step(
        self, batch: Batch, criterion: torch.nn.Module, optimizer_idx: int | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One step's losses; `loss` is what is minimized."""
        seen = self.see(batch)
        losses = {"durations": seen["duration_loss"]}
        total = seen["duration_loss"]
        if self.options.decoded_weight:
            close, moves = self._decoded(seen)
            losses |= {"decoded": close, "moves": moves}
            total = total + self.options.decoded_weight * (close + 0.5 * moves)
        if not self.options.decoded_weight or self.step % self.options.likelihood_every == 0:
            losses["likelihood"] = self._likelihood(seen)
            total = total + losses["likelihood"]
        if not torch.isfinite(total):  # one bad batch is left out; it must not end a night's work
            total = sum((parameter * 0.0).sum() for parameter in self.parameters())
        return {"path": seen["path"]}, losses | {"loss": total}

    def see(self, batch: Batch) -> dict[str, Any]:
        """The encoder's view of a batch, spread over the frames by the batch's path or by search."""
        speaker = self._get_speaker_conditioning(
            {"speaker_ids": batch["speakers"], "d_vectors": None}, "emb_g"
        )
        mean, log_std, log_frames, text = self.encoder(
            batch["symbols"], batch["symbol_lengths"], g=speaker
        )
        mel, lengths, longest, _ = self.preprocess(
            batch["mel"], batch["mel_lengths"], batch["mel"].shape[2], None
        )
        mask = sequence_mask(lengths, longest)[:, None].to(mel.dtype)
        both = text.transpose(1, 2) * mask
        if self.options.durations == "given" and "path" in batch:
            path = batch["path"][:, :, :longest] * both
        else:
            path = self._search(mel, mask, mean, log_std, both, speaker)
        spread, spread_std, told = self.compute_outputs(path[:, None], mean, log_std, text)
        duration = ((log_frames - told) ** 2).sum() / batch["symbol_lengths"].sum()
        return {
            "mel": mel,
            "mask": mask,
            "lengths": lengths,
            "speaker": speaker,
            "path": path,
            "mean": spread,
            "log_std": spread_std,
            "log_frames": log_frames,
            "told_frames": told,
            "symbol_lengths": batch["symbol_lengths"],
            "duration_loss": duration,
        }

    def decoded(self, seen: dict[str, Any]) -> torch.Tensor:
        """The mel that the decoder makes of the mean alone, as in speaking without noise."""
        return self.decoder(
            seen["mean"] * seen["mask"], seen["mask"], g=seen["speaker"], reverse=True
        )[0]

    def _decoded(self, seen: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """L1 of the decoded mel, and of its differences from frame to frame."""
        apart, mask = self.decoded(seen) - seen["mel"], seen["mask"]
        values = mask.sum() * apart.shape[1]
        moves = (apart[:, :, 1:] - apart[:, :, :-1]).abs() * mask[:, :, 1:]
        return (apart.abs() * mask).sum() / values, moves.sum() / values

    def _likelihood(self, seen: dict[str, Any]) -> torch.Tensor:
        noisy = seen["mel"] + self.options.floor_noise * torch.randn_like(seen["mel"])
        latent, log_det = self.decoder(noisy, seen["mask"], g=seen["speaker"], reverse=False)
        return GlowTTSLoss()(
            latent.transpose(1, 2),
            seen["mean"].transpose(1, 2),
            seen["log_std"].transpose(1, 2),
            log_det,
            seen["lengths"],
            seen["log_frames"].transpose(1, 2),
            seen["told_frames"].transpose(1, 2),
            seen["symbol_lengths"],
        )["log_mle"]

    @torch.no_grad()
    def _search(self, mel: Any, mask: Any, mean: Any, log_std: Any, both: Any, speaker: Any) -> Any:
        """Monotonic alignment search over the likelihood of each frame under each symbol (equation 6)."""
        latent, _ = self.decoder(mel, mask, g=speaker, reverse=False)
        scale = torch.exp(-2 * log_std)
        fixed = (-0.5 * math.log(2 * math.pi) - log_std - 0.5 * mean**2 * scale).sum(1)[:, :, None]
        squares = torch.matmul(scale.transpose(1, 2), -0.5 * latent**2)
        crossed = torch.matmul((mean * scale).transpose(1, 2), latent)
        return maximum_path(fixed + squares + crossed, both)

    def initialise(self, batch: Batch) -> None:
        """Set the activation norms from data, once, before a training from scratch (section 4.1)."""
        self.unlock_act_norm_layers()
        with torch.no_grad():
            self._likelihood(self.see(batch))
        self.lock_act_norm_layers()

    def on_train_step_start(self, trainer: Any) -> None:
        """Know the step, which decides about the likelihood."""
        self.step = trainer.total_steps_done

    def format_batch(self, batch: Batch) -> Batch:
        """Batches come as they are taken."""
        return batch

    def train_log(self, *args: Any) -> None:
        """Nothing goes to a dashboard."""

    def test_run(self, trainer: Any) -> dict[str, Any]:
        """No test sentences: the work's samples are made at each checkpoint."""
        return {}

    def test_log(self, *args: Any) -> None:
        """Nothing goes to a dashboard."""

    def get_scheduler(self, optimizer: list[torch.optim.Optimizer]) -> Any:
        """Warm up, then a cosine down to a twentieth."""
        steps, warm_up = self.options.acoustic_steps, self.options.warm_up
        return torch.optim.lr_scheduler.LambdaLR(
            optimizer[0], lambda step: cosine(step, steps, warm_up)
        )


def in_bfloat16(forward: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """The same layers with products of half as many bits, float32 in and out."""

    @functools.wraps(forward)
    def halved(given: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
        with torch.autocast(given.device.type, torch.bfloat16):
            return forward(given, *rest, **named).float()

    return halved


def cosine(step: int, steps: int, warm_up: int) -> float:
    """The part of the learning rate at a step."""
    part = min(1.0, step / max(1, steps))
    return min(1.0, (step + 1) / max(1, warm_up)) * (0.05 + 0.475 * (1 + math.cos(math.pi * part)))
