"""One run of coqui's Trainer that can be killed at any point and goes on from its last checkpoint.

Trainer begins every run by continuing one: the first checkpoint, of step 0, holds the weights to start from. A
checkpoint is written whole or not at all, after each walk over the batches; batches and noise hang on the step
alone, so a resumed run does what the unbroken one would have done.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from trainer import Trainer, TrainerArgs
from trainer.io import keep_n_checkpoints, save_model
from trainer.logging import ConsoleLogger, DummyLogger

from voice_model.train_data import Batches

KEPT = 2  # checkpoints
PART = "checkpoint.part"
Watch = Callable[[torch.nn.Module, int], None]


@dataclass(frozen=True)
class Run:
    """What one run needs: `watch` is called with the model and the step at each checkpoint."""

    name: str
    folder: Path
    steps: int
    save_every: int
    seed: int
    watch: Watch


class Silent(ConsoleLogger):
    """Trainer's console without its pages of figures; the run prints a line itself."""

    def print_train_start(self) -> None:
        """Say nothing."""

    def print_train_step(self, *args: Any) -> None:
        """Say nothing."""

    def print_epoch_start(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""

    def print_epoch_end(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""


def begin(run: Run, model: torch.nn.Module, config: Any) -> None:
    """Write the checkpoint of step 0 where there is none; finished runs and broken ones keep theirs."""
    run.folder.mkdir(parents=True, exist_ok=True)
    config.save_json(str(run.folder / "config.json"))  # Trainer reads it when it continues
    if not list(run.folder.glob("checkpoint_*.pth")):
        torch.save({"model": model.state_dict(), "step": -1, "epoch": 0}, run.folder / PART)
        os.replace(run.folder / PART, run.folder / "checkpoint_0.pth")


def fit(run: Run, model: Any, config: Any, batches: Batches) -> torch.nn.Module:
    """Train to the run's last step, from wherever its newest checkpoint is."""
    trainer = _trainer(run, model, config, batches)
    print(f"{run.name}: from step {trainer.total_steps_done} to {run.steps}", flush=True)
    left = max(0, run.steps - trainer.total_steps_done)
    config.epochs, trainer.epochs_done = -(-left // run.save_every), 0
    if left:
        trainer.fit()
    return model


def _trainer(run: Run, model: Any, config: Any, batches: Batches) -> Trainer:
    return Trainer(
        TrainerArgs(continue_path=str(run.folder)),
        config,
        model=model,
        train_samples=[],
        train_loader=batches,
        c_logger=Silent(),
        dashboard_logger=DummyLogger(),
        parse_command_line_args=False,
        callbacks={
            "on_train_epoch_start": lambda trainer: _start(run, trainer, batches),
            "on_epoch_end": lambda trainer: _end(run, trainer),
        },
    )


def _start(run: Run, trainer: Trainer, batches: Batches) -> None:
    batches.first = trainer.total_steps_done
    trainer.began = time.monotonic()
    torch.manual_seed(run.seed + trainer.total_steps_done)


def _end(run: Run, trainer: Trainer) -> None:
    """Make the samples of this step, save it, and say how far it is: what has a checkpoint has its samples."""
    done, seconds = trainer.total_steps_done, time.monotonic() - trainer.began
    trainer.model.eval()
    run.watch(trainer.model, done)
    trainer.model.train()
    _save(run, trainer, done)
    keep_n_checkpoints(str(run.folder), KEPT)
    left = seconds / max(1, run.save_every) * (run.steps - done)
    told = _losses(trainer.keep_avg_train.avg_values)
    print(f"{run.name} {done}/{run.steps}  {told}  {left / 60:.0f} min left", flush=True)


def _losses(values: dict[str, float]) -> str:
    return "  ".join(
        f"{name.removeprefix('avg_')} {value:.3f}"
        for name, value in values.items()
        if not name.endswith(("_time", "lr", "_lr_0", "_lr_1"))
    )


def _save(run: Run, trainer: Trainer, done: int) -> None:
    part = run.folder / PART
    save_model(
        trainer.config,
        trainer.model,
        part,
        current_step=done - 1,  # Trainer adds one to the step that it reads
        epoch=0,
        optimizer=trainer.optimizer,
        scheduler=trainer.scheduler,
    )
    os.replace(part, run.folder / f"checkpoint_{done}.pth")
