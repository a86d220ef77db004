"""A trained model's entry in a folder of voices: its files first, the manifest last and at once."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from speech.manifest import parse
from speech.voices import MANIFEST, SHIPPED, read_voices


def add(voices: Path, made: Path) -> None:
    """Add the one model of the folder `made`, and its members, to `voices`; members of the same number give way.

    A folder without a manifest begins with the shipped voices, so that the new ones stand beside them. Running
    services take the change by themselves. Raises ValueError for a manifest that is broken, before or after.
    """
    (name, model), members = _only_model(made)
    manifest = _manifest(voices)
    folder = voices / f"{name}-{_stamp(model)}"
    shutil.copytree(made, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
    for file in model["files"].values():
        file["path"] = f"{folder.name}/{file['path']}"
    numbers = {each["member"] for each in members}
    others = [each for each in manifest["voices"] if each["member"] not in numbers]
    manifest["voices"] = sorted([*others, *members], key=lambda each: each["member"])
    spoken = {each["model"] for each in manifest["voices"]}
    models = {**manifest["models"], name: model}
    manifest["models"] = {key: value for key, value in models.items() if key in spoken}
    _write(voices, manifest)


def _only_model(made: Path) -> tuple[tuple[str, dict[str, Any]], list[dict[str, Any]]]:
    told = json.loads((made / MANIFEST).read_text("utf-8"))
    (entry,) = told["models"].items()
    return entry, told["voices"]


def _manifest(voices: Path) -> dict[str, Any]:
    if not (voices / MANIFEST).exists():
        shutil.copytree(SHIPPED, voices, dirs_exist_ok=True)
    read_voices(voices)
    return json.loads((voices / MANIFEST).read_text("utf-8"))


def _stamp(model: dict[str, Any]) -> str:
    """A changed file gets another name, so that services that start meanwhile find what their manifest names."""
    return str(model["files"]["acoustic_checkpoint"]["sha256"])[:8]


def _write(voices: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    parse(text.encode(), str(voices / MANIFEST))
    part = voices / f"{MANIFEST}.part"
    part.write_text(text, "utf-8")
    os.replace(part, voices / MANIFEST)
