"""What is to be trained: whose recordings, from which weights, how long. A work keeps its plan and resumes by it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

PLAN, ITEMS = "plan.json", "items.jsonl"
SEED = 20_240_229
CHOICES = {
    "start": ("shipped", "scratch"),
    "durations": ("given", "search"),
    "precision": ("float32", "bfloat16"),
}


@dataclass(frozen=True)
class Options:
    """How to train; times in steps. The reasons are in docs/training.md."""

    start: Literal["shipped", "scratch"] = "shipped"
    acoustic_steps: int = 2000
    vocoder_steps: int = 0  # 0 keeps the shipped vocoder, which speaks any voice near the five
    save_every: int = 100
    batch: int = 10
    vocoder_batch: int = 8
    segment_frames: int = 32
    learning_rate: float = 5e-4
    vocoder_learning_rate: float = 5e-4
    warm_up: int = 200
    durations: Literal["given", "search"] = "search"
    floor_noise: float = 0.08  # of a mel from -4 to 4
    decoded_weight: float = 2.0  # 0 trains by likelihood alone
    likelihood_every: int = 3  # with a decoded loss
    adversarial_from: float = 0.4  # part of the vocoder's steps
    precision: Literal["float32", "bfloat16"] = "float32"  # of convolutions, but the vocoder's
    held_out: int = 8  # recordings
    threads: int = 2
    seed: int = SEED


@dataclass(frozen=True)
class Speaker:
    """One voice to be: its manifest entry and the folder of its recordings."""

    member: int
    slug: str
    name: str
    recordings: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Speakers of one model in the order of its embedding, and the options."""

    model: str
    speakers: tuple[Speaker, ...]
    options: Options = field(default_factory=Options)
    licence: str = ""

    def card(self, noise_scale: float = 0.0) -> dict[str, Any]:
        """What voice_model.export wants to know."""
        voices = [
            {
                "member": each.member,
                "slug": each.slug,
                "name": each.name,
                "aliases": list(each.aliases),
                "model": self.model,
                "speaker_id": place,
            }
            for place, each in enumerate(self.speakers)
        ]
        model = {"language": "ko", "noise_scale": noise_scale, "licence": self.licence}
        return {"model": model, "voices": voices}

    def write(self, folder: Path) -> None:
        """Into the work's folder."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2)
        (folder / PLAN).write_text(text + "\n", "utf-8")


def read_plan(path: Path) -> Plan:
    """A recipe or a work's plan. Raises ValueError, which says what is wrong with it."""
    try:
        told = json.loads(path.read_text("utf-8"))
        speakers = tuple(
            Speaker(**{**each, "aliases": tuple(each.get("aliases", ()))})
            for each in told["speakers"]
        )
        options = Options(**told.get("options", {}))
        plan = Plan(told["model"], speakers, options, told.get("licence", ""))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no recipe: {error}") from error
    return checked(plan, str(path))


def checked(plan: Plan, where: str) -> Plan:
    """The plan. Raises ValueError for one that cannot be followed; `where` it stands is said."""
    if not plan.speakers:
        raise ValueError(f"{where} names no speakers")
    for name, kind in ((each.name, type(each.default)) for each in fields(Options)):
        if not isinstance(getattr(plan.options, name), int if kind is int else (kind, int)):
            raise ValueError(f"{where}: {name} is not {kind.__name__}")
    for name, known in CHOICES.items():
        if getattr(plan.options, name) not in known:
            raise ValueError(f"{where}: {name} is none of {', '.join(known)}")
    if min(plan.options.batch, plan.options.save_every, plan.options.threads) < 1:
        raise ValueError(f"{where}: batch, save_every and threads are at least 1")
    return plan


@dataclass(frozen=True)
class Item:
    """One recording as training takes it: `sound` is a WAV at the model's rate."""

    id: str
    speaker: int
    sound: Path
    reading: str
    symbols: tuple[int, ...]
    frames: tuple[int, ...] = ()


def write_items(items: Sequence[Item], folder: Path) -> None:
    """One JSON object a line; sounds are told relative to the folder."""
    lines = [
        json.dumps({**asdict(item), "sound": str(item.sound.relative_to(folder))}) for item in items
    ]
    (folder / ITEMS).write_text("\n".join(lines) + "\n", "utf-8")


def read_items(folder: Path) -> list[Item]:
    """What write_items wrote."""
    told = [json.loads(line) for line in (folder / ITEMS).read_text("utf-8").splitlines()]
    return [
        Item(
            each["id"],
            each["speaker"],
            folder / each["sound"],
            each["reading"],
            tuple(each["symbols"]),
            tuple(each["frames"]),
        )
        for each in told
    ]
