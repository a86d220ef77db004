"""From trained networks to voices that any engine speaks: native checkpoints, graphs, manifest entry."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from speech.voices import Voice
from voice_model.coqui_config import read_config
from voice_model.export import export
from voice_model.manifest_entry import add
from voice_model.train_models import SPEAKERS
from voice_model.train_plan import Plan


def write_voices(
    plan: Plan,
    acoustic: torch.nn.Module,
    vocoder: torch.nn.Module,
    base: Voice,
    work: Path,
    out: Path,
) -> None:
    """Write WORK/checkpoints as coqui saves them and WORK/voices made from those; add the latter to `out`."""
    checkpoints, made = work / "checkpoints", work / "voices"
    _native(checkpoints / "glow_tts", acoustic, plan.options.acoustic_steps)
    _native(checkpoints / "hifigan", vocoder, plan.options.vocoder_steps)
    shutil.copyfile(work / SPEAKERS, checkpoints / "glow_tts" / SPEAKERS)
    config = {"use_speaker_embedding": True, "speakers_file": SPEAKERS}
    _config(checkpoints / "glow_tts", read_config(base, "acoustic_config") | config)
    _config(checkpoints / "hifigan", read_config(base, "vocoder_config"))
    shutil.rmtree(made, ignore_errors=True)
    export(checkpoints, plan.card(), made)
    add(out, made)


def _native(folder: Path, model: torch.nn.Module, step: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # By `model_disc` coqui knows a generator without its judges.
    state = {"model": model.state_dict(), "model_disc": {}, "step": step}
    torch.save(state, folder / "model.pth")


def _config(folder: Path, config: dict[str, Any]) -> None:
    text = json.dumps(config, ensure_ascii=False, indent=2)
    (folder / "config.json").write_text(text + "\n", "utf-8")
