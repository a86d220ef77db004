"""The networks that a training starts with: the shipped ones' shape, and their weights or chance."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from speech.voices import SHIPPED, Voice, VoiceFile, read_voices
from voice_model.coqui import read_weights
from voice_model.coqui_config import architecture, read_config
from voice_model.train_plan import Plan

SPEAKERS = "speakers.json"


def glow_config(plan: Plan, base: Voice, work: Path) -> Any:
    """The shipped Glow-TTS's config with this plan's speakers and optimizer."""
    (work / SPEAKERS).write_text(
        json.dumps({each.slug: place for place, each in enumerate(plan.speakers)}), "utf-8"
    )
    given = read_config(base, "acoustic_config")
    config = architecture(given, _with_speakers(base, work / SPEAKERS))
    config.audio.from_dict({**config.audio.to_dict(), **given["audio"]})
    config.use_speaker_embedding = True
    config.optimizer = "AdamW"
    config.optimizer_params = {"betas": [0.9, 0.98], "weight_decay": 1e-6}
    config.lr, config.grad_clip = plan.options.learning_rate, 5.0
    config.data_dep_init_steps = 0  # done before the first step
    config.run_eval, config.save_checkpoints, config.save_best_after = False, False, 10**12
    config.scheduler_after_epoch, config.test_sentences = False, []
    return config


def start_from_shipped(model: torch.nn.Module, plan: Plan, base: Voice) -> None:
    """The shipped weights; a speaker of another name begins as the mean of the shipped ones."""
    shipped = read_weights(base.files["acoustic_checkpoint"].verified())
    known = {voice.slug: voice.speaker_id for voice in read_voices(SHIPPED)}
    rows = shipped.pop("emb_g.weight")
    named = [known.get(each.slug) for each in plan.speakers]
    chosen = [rows.mean(0) if place is None else rows[place] for place in named]
    model.load_state_dict({**shipped, "emb_g.weight": torch.stack(chosen)})


def _with_speakers(base: Voice, path: Path) -> Voice:
    return replace(base, files={**base.files, "speakers": VoiceFile(path)})
