"""The older layout of voices: a folder a member, found by itself.

glow-tts/{i}/{i}g_checkpoint_*.pth.tar + {i}g_config.json and hifigan-v2/{i}/{i}h_checkpoint_*.pth.tar +
{i}h_config.json, a pair a member. There are no checksums, and no exported graphs: engine coqui only.
"""

import json
import re
from pathlib import Path, PurePath
from typing import Any

from speech.voices import Voice, VoiceFile

_SPECIAL = ("pad", "eos", "bos", "blank")  # coqui puts them first, in this order
_SORTING = {"is_unique", "is_sorted", "characters_class"}  # fields of coqui from 0.6 on
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


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
    if len(found) < len(files):
        return None
    for half in ("acoustic", "vocoder"):
        if stats := _stats(found[f"{half}_config"].path):
            found[f"{half}_stats"] = VoiceFile(stats)
    return found


def _stats(config: Path) -> Path | None:
    """The config's file of means and deviations, where it stands beside it; training copies it as scale_stats.npy."""
    named = _read(config)["audio"].get("stats_path")
    names = (PurePath(str(named)).name, "scale_stats.npy") if named else ()
    return next((config.parent / name for name in names if (config.parent / name).is_file()), None)


def _newest(folder: Path, pattern: str) -> Path | None:
    """The file with the highest step in its name: copying a folder loses the times."""
    found = list(folder.glob(pattern))
    return max(found, key=lambda path: (_step(path), path.name)) if found else None


def _step(path: Path) -> int:
    numbers = re.findall(r"\d+", path.name.split("checkpoint")[-1])
    return int(numbers[-1]) if numbers else 0


def _voice(member: int, files: dict[str, VoiceFile]) -> Voice:
    config = _read(files["acoustic_config"].path)
    stats = [(file.path.name, file.path.stat().st_size) for file in files.values()]
    symbols = vocabulary(config.get("characters") or {})
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
        symbols=symbols,
        noise_scale=float(config.get("inference_noise_scale", 0.33)),
        files=files,
        version="-".join(f"{name}.{size}" for name, size in stats),
        blank=_blank(config, symbols),
    )


def _blank(config: dict[str, Any], symbols: tuple[str, ...]) -> int | None:
    """The id of the blank that `add_blank` puts between symbols: one of them, in releases before 0.8 one more."""
    if not config.get("add_blank"):
        return None
    named = (config.get("characters") or {}).get("blank")
    return symbols.index(named) if named in symbols else len(symbols)


def _read(path: Path) -> dict[str, Any]:
    """The config, with what discovery needs of it. Raises ValueError."""
    config = parse_config(path.read_text("utf-8"), path.name)
    if not isinstance(config.get("audio"), dict):
        raise ValueError(f"{path} describes no audio")
    return config


def parse_config(text: str, where: str) -> dict[str, Any]:
    """A config of coqui's; releases before 0.1 write comments into their JSON. Raises ValueError."""
    try:
        config = json.loads(_COMMENT.sub(lambda match: match[1] or "", text))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{where} is not a JSON object")
    return config


def vocabulary(characters: dict[str, Any]) -> tuple[str, ...]:
    """The symbols in the order of coqui's embedding, for a config whose order is fixed.

    Releases before 0.6 embed `characters` as they stand, punctuation only where it is among them. An unsorted
    set has no order to restore (it hung on the hash seed of the process that trained it); the order in which
    the config writes it is the best guess, and coqui_config.py warns of it.
    """
    letters = characters["characters"]
    if _SORTING.isdisjoint(characters):
        return (*(characters[name] for name in _SPECIAL[:3] if characters.get(name)), *letters)
    if characters.get("is_unique"):
        letters = "".join(dict.fromkeys(letters))
    if characters.get("is_sorted"):
        letters = "".join(sorted(letters))
    special = [characters[name] for name in _SPECIAL if characters.get(name)]
    return (*special, *letters, *(characters.get("punctuations") or ""))
