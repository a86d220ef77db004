"""`moksori train`: from a folder of recordings and transcripts to a new member's voice."""

import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click

from speech.voices import SHIPPED, Voice, read_voices
from voice_model.engines import has_coqui
from voice_model.train_plan import Options, Plan, Speaker, checked, read_plan
from voice_model.train_prepare import Dataset, examine, prepare

ROOT = Path(__file__).resolve().parent.parent
SECOND = ROOT / ".venv-coqui" / "bin" / "python"
MISSING = (
    "Training needs PyTorch and coqui-tts, which are not installed here. Run `make coqui`, "
    "or add them to this environment: python voice_model/install_coqui.py .venv"
)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("train")
@click.argument("recordings", type=FOLDER)
@click.option("--recipe", type=click.Path(exists=True, path_type=Path), help="Speakers and options")
@click.option("--member", type=click.IntRange(1), help="The new member's number")
@click.option("--slug", help="The new voice's name in requests")
@click.option("--name", help="The new voice's name for people")
@click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE", help="An option of training")
@click.option("--work", type=click.Path(path_type=Path), help="Checkpoints, samples and reports")
@click.option("--voices", "out", type=click.Path(path_type=Path), default=Path("models/voices"))
@click.option("--check-only", is_flag=True, help="Write the report, train nothing")
@click.option("--leave-out", is_flag=True, help="Train without the recordings that are refused")
def command(
    recordings: Path,
    recipe: Path | None,
    work: Path | None,
    out: Path,
    check_only: bool,
    leave_out: bool,
    **named: Any,
) -> None:
    """Check a folder of RECORDINGS, train on it, and add the voice to a folder of voices.

    The same command again goes on where the last one was stopped.
    """
    try:
        plan = _plan(recipe, **named)
        work = work or Path("models/training") / plan.model
        voice = next(iter(read_voices(SHIPPED)))
        datasets = _examine(plan, recordings, voice, work)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    refused = sum(len(dataset.errors) for dataset in datasets)
    if refused and not (check_only or leave_out):
        raise click.ClickException(
            f"{refused} lines cannot be learned from; the reports say which and why. Mend them, or use --leave-out."
        )
    if not check_only:
        _train(plan, datasets, voice, work, out)


def _plan(
    recipe: Path | None,
    member: int | None,
    slug: str | None,
    name: str | None,
    chosen: tuple[str, ...],
) -> Plan:
    if recipe:
        plan = read_plan(recipe)
    elif member and slug:
        plan = Plan(slug, (Speaker(member, slug, name or slug, "."),))
    else:
        raise ValueError("give --member and --slug, or a --recipe")
    return checked(replace(plan, options=_options(plan.options, chosen)), "--set")


def _options(options: Options, chosen: tuple[str, ...]) -> Options:
    """The options with NAME=VALUE pairs laid over them. Raises ValueError."""
    kinds = {each.name: type(getattr(options, each.name)) for each in fields(Options)}
    for pair in chosen:
        name, _, value = pair.partition("=")
        if name not in kinds:
            raise ValueError(f"{name!r} is none of {', '.join(kinds)}")
        try:
            options = replace(options, **{name: kinds[name](value)})
        except ValueError:
            raise ValueError(f"{name}={value} is not {kinds[name].__name__}") from None
    return options


def _examine(plan: Plan, recordings: Path, voice: Voice, work: Path) -> list[Dataset]:
    datasets = []
    for speaker in plan.speakers:
        dataset = examine(
            recordings / speaker.recordings,
            voice,
            work,
            speaker.slug,
            lambda line: click.echo(line),
        )
        click.echo(f"{speaker.slug}: {dataset.told()}\n  {dataset.report}")
        for finding in dataset.errors[:5]:
            click.echo(f"  {finding.file}:{finding.line}: {finding.message}")
        datasets.append(dataset)
    return datasets


def _train(plan: Plan, datasets: list[Dataset], voice: Voice, work: Path, out: Path) -> None:
    python = _python()
    if min(len(dataset.checked) for dataset in datasets) < 2:
        raise click.ClickException("a voice needs at least two recordings that can be used")
    with _alone(work) as lock:
        prepare(plan, datasets, voice, work)
        done = subprocess.run(
            [python, "-W", "ignore", "-m", "voice_model.train", work.resolve(), out.resolve()],
            cwd=ROOT,
            pass_fds=[lock],  # held as long as the training lives, even if this process is killed
        )
    if done.returncode:
        raise click.ClickException(
            f"training ended with code {done.returncode}; run it again to go on"
        )
    told = json.loads((work / "evaluation.json").read_text("utf-8"))
    click.echo(f"{out} has the voice. Held out: {told}\nServe it: MOKSORI_VOICES={out} make run")


@contextmanager
def _alone(work: Path) -> Iterator[int]:
    """Two trainings in one folder would overwrite each other's checkpoints."""
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(
                f"another training works in {work}; wait for it, or give --work"
            ) from None
        yield lock.fileno()


def _python() -> Path:
    """An interpreter with PyTorch and coqui-tts."""
    if has_coqui():
        return Path(sys.executable)
    if not SECOND.exists():
        raise click.ClickException(MISSING)
    return SECOND
