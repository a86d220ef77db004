"""Training proper, in the environment with PyTorch and coqui-tts: `python -m voice_model.train WORK OUT`.

WORK holds a plan and items (voice_model/train_prepare.py). Each stage goes on from its newest checkpoint; a finished
stage is passed over. In the end OUT holds a voices' folder, and WORK/evaluation.json how far it is from recordings
that were held out.
"""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from TTS.vocoder.configs import HifiganConfig

from speech.voices import SHIPPED, Voice, read_voices
from voice_model.coqui import load_vocoder, pick_device
from voice_model.coqui_config import read_config
from voice_model.train_data import Batches, Example, acoustic_batch, load, vocoder_batch
from voice_model.train_evaluate import evaluate
from voice_model.train_export import write_voices
from voice_model.train_glow import GuidedGlow
from voice_model.train_hifigan import SmallGan
from voice_model.train_models import glow_config, start_from_shipped
from voice_model.train_plan import PLAN, Options, Plan, read_items, read_plan
from voice_model.train_runs import Run, begin, fit
from voice_model.train_watch import AcousticWatch, VocoderWatch


def main(work: Path, out: Path) -> None:
    """Every stage that is not finished yet."""
    logging.disable(logging.WARNING)  # Trainer's pages about itself; a run prints its own lines
    plan = read_plan(work / PLAN)
    print(f"on {pick_device('auto')}", flush=True)  # Trainer takes a GPU wherever it sees one
    torch.set_num_threads(plan.options.threads)
    base = next(iter(read_voices(SHIPPED)))
    audio = read_config(base, "acoustic_config")["audio"]
    examples = load(read_items(work), audio, work / "mels")
    kept, held = hold_out(examples, plan.options.held_out)
    print(f"{len(kept)} recordings to learn from, {len(held)} held out", flush=True)
    acoustic = train_acoustic(plan, kept, held, base, work)
    vocoder = train_vocoder(plan, kept, held, base, work)
    write_voices(plan, acoustic, vocoder, base, work, out)
    told = evaluate(acoustic, vocoder, held)
    (work / "evaluation.json").write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    print("  ".join(f"{name} {value:.3f}" for name, value in told.items()), flush=True)


def hold_out(examples: Sequence[Example], count: int) -> tuple[list[Example], list[Example]]:
    """Recordings to learn from and `count` others, spread over the lengths; at least one of each."""
    count = max(1, min(count, len(examples) // 5))
    chosen = {round((place + 0.5) * len(examples) / count) for place in range(count)}
    kept = [each for place, each in enumerate(examples) if place not in chosen]
    return kept, [each for place, each in enumerate(examples) if place in chosen]


def train_acoustic(
    plan: Plan, kept: Sequence[Example], held: Sequence[Example], base: Voice, work: Path
) -> GuidedGlow:
    """The Glow-TTS of the plan, trained to its last step."""
    options = plan.options
    config = glow_config(plan, base, work)
    model = GuidedGlow(config, options)
    torch.manual_seed(options.seed)
    if options.start == "shipped":
        start_from_shipped(model, plan, base)
    else:
        model.initialise(acoustic_batch(kept, options.batch, options.seed, 0))
    watch = AcousticWatch(work / "samples", held[0], load_vocoder(base), base.rate)
    run = _run("acoustic", options.acoustic_steps, options, work, watch)
    begin(run, model, config)
    batches = Batches(
        lambda step: acoustic_batch(kept, options.batch, options.seed, step),
        options.acoustic_steps,
        options.save_every,
    )
    return fit(run, model, config, batches).cpu().eval()


def train_vocoder(
    plan: Plan, kept: Sequence[Example], held: Sequence[Example], base: Voice, work: Path
) -> torch.nn.Module:
    """The plan's HiFi-GAN generator; the shipped one where the plan has no steps for it."""
    options = plan.options
    if not options.vocoder_steps:
        return load_vocoder(base, folded=False)
    config = vocoder_config(options, base)
    model = SmallGan(config, options)
    if options.start == "shipped":
        model.model_g.load_state_dict(load_vocoder(base, folded=False).state_dict())
    watch = VocoderWatch(work / "samples", held[0], base.rate)
    run = _run("vocoder", options.vocoder_steps, options, work, watch)
    begin(run, model, config)
    size, segment, seed = options.vocoder_batch, options.segment_frames, options.seed
    batches = Batches(
        lambda step: vocoder_batch(kept, size, segment, base.hop, seed, step),
        options.vocoder_steps,
        options.save_every,
    )
    return fit(run, model, config, batches).model_g.cpu().eval()


def vocoder_config(options: Options, base: Voice) -> Any:
    """The shipped generator's config with losses on mel and spectra, judged from a part of the steps on."""
    given = read_config(base, "vocoder_config")
    config = HifiganConfig()
    config.audio.from_dict({**config.audio.to_dict(), **given["audio"]})
    config.generator_model_params = given["generator_model_params"]
    config.use_stft_loss, config.stft_loss_weight = True, 1.0
    config.feat_match_loss_weight = 2.0
    config.steps_to_start_discriminator = round(options.adversarial_from * options.vocoder_steps)
    config.optimizer, config.optimizer_params = "AdamW", {"betas": [0.8, 0.99]}
    config.lr_gen = config.lr_disc = options.vocoder_learning_rate
    config.grad_clip, config.target_loss = [10.0, 10.0], "loss_1"
    config.run_eval, config.save_checkpoints, config.save_best_after = False, False, 10**12
    config.scheduler_after_epoch = False
    return config


def _run(name: str, steps: int, options: Options, work: Path, watch: Any) -> Run:
    return Run(name, work / name, steps, options.save_every, options.seed, watch)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
