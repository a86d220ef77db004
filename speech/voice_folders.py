"""The older layout of voices: a folder a member, found by itself.

glow-tts/{i}/{i}g_checkpoint_*.pth.tar + {i}g_config.json and hifigan-v2/{i}/{i}h_checkpoint_*.pth.tar +
{i}h_config.json, a pair a member. There are no checksums, and no exported graphs: engine coqui only.
"""

import json
import re
from pathlib import Path
from typing import Any

from speech.voices import Voice, VoiceFile

_SPECIAL = ("pad", "eos", "bos", "blank")  # coqui puts them first, in this order


def discover(folder: Path) -> list[Voice]:
    """A voice for each member that has both halves of a pair; [] where there is none."""
    members = (path.name for path in (folder / "glow-tts").glob("*") if path.name.isdigit())
    pairs = [(int(member), _pair(folder, member)) for member in members]
    return [_voice(member, files) for member, files in sorted(pairs) if files]


def _pair(folder: Path, member: str) -> dict[str, VoiceFile] | None:
    acoustic, vocoder = folder / "glow-tts" / member, folder / "hifigan-v2" / member
    files = {
        "acoustic_checkpoint": _newest(acoustic, f"{member}g_checkpoint_*.pth.tar"),
        "acoustic_config": _newest(acoustic, f"{member}g_config.json"),
        "vocoder_checkpoint": _newest(vocoder, f"{member}h_checkpoint_*.pth.tar"),
        "vocoder_config": _newest(vocoder, f"{member}h_config.json"),
    }
    found = {role: VoiceFile(path) for role, path in files.items() if path}
    return found if len(found) == len(files) else None


def _newest(folder: Path, pattern: str) -> Path | None:
    """The file with the highest step in its name: copying a folder loses the times."""
    found = list(folder.glob(pattern))
    return max(found, key=lambda path: (_step(path), path.name)) if found else None


def _step(path: Path) -> int:
    numbers = re.findall(r"\d+", path.name.split("checkpoint")[-1])
    return int(numbers[-1]) if numbers else 0


def _voice(member: int, files: dict[str, VoiceFile]) -> Voice:
    config = json.loads(files["acoustic_config"].path.read_text("utf-8"))
    stats = [(file.path.name, file.path.stat().st_size) for file in files.values()]
    return Voice(
        member=member,
        slug=f"member-{member}",
        name=f"멤버 {member}",
        aliases=(),
        model=f"member-{member}",
        speaker_id=None,
        language="ko",
        rate=int(config["audio"]["sample_rate"]),
        hop=int(config["audio"]["hop_length"]),
        symbols=vocabulary(config["characters"]),
        noise_scale=float(config.get("inference_noise_scale", 0.33)),
        files=files,
        version="-".join(f"{name}.{size}" for name, size in stats),
    )


def vocabulary(characters: dict[str, Any]) -> tuple[str, ...]:
    """The symbols in the order of coqui's embedding, for a config whose order is fixed.

    An unsorted set has no order to restore (it hung on the hash seed of the process that trained it);
    the order in which the config writes it is the best guess, and coqui.py warns of it.
    """
    letters = characters["characters"]
    if characters.get("is_unique"):
        letters = "".join(dict.fromkeys(letters))
    if characters.get("is_sorted"):
        letters = "".join(sorted(letters))
    special = [characters[name] for name in _SPECIAL if characters.get(name)]
    return (*special, *letters, *characters.get("punctuations", ""))
