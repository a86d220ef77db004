"""The manifest of member voices, in a folder or a bucket, read as what it is: a stranger's file.

Relative paths stay inside the manifest's own folder, other files are gs:// URLs, and each has its checksum.
"""

import hashlib
import json
import re
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from speech.errors import NotFound
from speech.settings import Settings
from speech.voices import MANIFEST, SHIPPED, Voice, VoiceFile, Voices, parse_member

LARGEST = 1_048_576  # bytes
GOOGLE = "gs://"
CONSENT = {"scope", "given", "until"}  # of a member, for the ledger; dates as 2026-11-24
SHA256 = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"\w[\w. -]{0,120}")  # of a file in the cache


def newest_voices(settings: Settings) -> Voices:
    """The voices as settings.voices has them now. Errors as load_voices."""
    if is_bucket(settings.voices):
        return _from_bucket(settings)
    return read_folder(Path(settings.voices).expanduser() if settings.voices else SHIPPED)


def remembered_voices(settings: Settings) -> Voices | None:
    """The voices of the last good manifest that came from the bucket; None for a folder."""
    if not is_bucket(settings.voices):
        return None
    from speech.model_cache import ModelCache  # Google's client is slow to import

    url = _manifest_url(settings)
    known = ModelCache.from_settings(settings).recall(url)
    return parse(known.text.encode(), url) if known else None


def is_bucket(place: str) -> bool:
    """True for a gs:// URL."""
    return place.startswith(GOOGLE)


def read_folder(folder: Path) -> Voices:
    """The voices of a local folder: its manifest, else the older layout. Raises ValueError."""
    path = folder / MANIFEST
    if path.is_file():
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path} is larger than {LARGEST} bytes")
        return parse(path.read_bytes(), str(path))
    from speech.voice_folders import discover  # the older layout, rarely there

    voices = discover(folder)
    if not voices:
        raise ValueError(f"{folder} holds neither {MANIFEST} nor glow-tts/<member>/ folders")
    return Voices(voices, _times(voices))


def parse(text: bytes, where: str) -> Voices:
    """The voices of a manifest that stands at `where`, a path or a gs:// URL.

    Raises ValueError, which names the manifest and what is wrong with it.
    """
    home = where.rpartition("/")[0]
    try:
        manifest = json.loads(text)
        models = {name: _model(home, entry) for name, entry in manifest["models"].items()}
        voices = [_voice(entry, models) for entry in manifest["voices"]]
        return Voices(voices, hashlib.sha256(text).hexdigest())
    except RecursionError:
        raise ValueError(f"{where}: nested too deep") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: missing or wrong {error}") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _from_bucket(settings: Settings) -> Voices:
    """The bucket is asked for the manifest's generation, and for the manifest when that is another one."""
    from speech.model_cache import Known, ModelCache  # as above

    url, cache = _manifest_url(settings), ModelCache.from_settings(settings)
    try:
        seen, known = cache.bucket.stat(url), cache.recall(url)
        if known and known.stamp == seen.generation:
            return parse(known.text.encode(), url)
        text = cache.bucket.read(seen)
    except NotFound as error:
        raise ValueError(f"{url} is not there") from error
    voices = parse(text, url)
    cache.remember(url, Known(seen.generation, text.decode()))
    return voices


def _manifest_url(settings: Settings) -> str:
    return f"{settings.voices.rstrip('/')}/{MANIFEST}"


def _times(voices: list[Voice]) -> str:
    """What stands for the checksum of a manifest where there is none."""
    stats = [(file.path, file.path.stat()) for voice in voices for file in voice.files.values()]
    told = sorted((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _model(home: str, entry: dict[str, Any]) -> dict[str, Any]:
    files = {
        role: _file(home, file["path"], file["sha256"]) for role, file in entry["files"].items()
    }
    return {
        "language": entry["language"],
        "rate": int(entry["rate_hz"]),
        "hop": int(entry["hop_samples"]),
        "symbols": tuple(entry["symbols"]),
        "noise_scale": float(entry["noise_scale"]),
        "blank": None if entry.get("blank") is None else int(entry["blank"]),
        "licence": str(entry.get("licence", "")),
        "files": files,
    }


def _voice(entry: dict[str, Any], models: dict[str, dict[str, Any]]) -> Voice:
    shared = models[entry["model"]]
    member = parse_member(entry["member"])
    if member is None:
        raise ValueError(f"member {entry['member']!r} is not a whole number from 1")
    return Voice(
        member=member,
        slug=entry["slug"],
        name=entry["name"],
        aliases=tuple(entry.get("aliases", ())),
        model=entry["model"],
        speaker_id=entry.get("speaker_id"),
        version=_version(shared, entry.get("speaker_id")),
        consent=_consent(entry.get("consent", {})),
        **shared,
    )


def _consent(told: dict[str, Any]) -> dict[str, str]:
    if not isinstance(told, dict) or not told.keys() <= CONSENT:
        raise ValueError(f"consent has {', '.join(sorted(CONSENT))} and nothing else")
    for name in {"given", "until"} & told.keys():
        date.fromisoformat(told[name])
    return {name: str(said) for name, said in told.items()}


def _file(home: str, path: str, sha256: str) -> VoiceFile:
    if not SHA256.fullmatch(sha256):
        raise ValueError(f"the sha256 of {path} is not 64 hexadecimal digits")
    if "://" in path and not is_bucket(path):
        raise ValueError(f"{path}: a file is a path below the manifest, or gs://bucket/name")
    if is_bucket(path) or is_bucket(home):
        return _object(path if is_bucket(path) else f"{home}/{_inside(path)}", sha256)
    return VoiceFile(_local(Path(home), path), sha256)


def _object(url: str, sha256: str) -> VoiceFile:
    name = PurePosixPath(_inside(url.removeprefix(GOOGLE))).name
    if not NAME.fullmatch(name):
        raise ValueError(f"{url} does not end in a file's name")
    return VoiceFile(Path(name), sha256, url)


def _inside(path: str) -> str:
    if path.startswith("/") or not {"..", ".", ""}.isdisjoint(path.split("/")):
        raise ValueError(f"{path} leads out of the voices' folder")
    return path


def _local(folder: Path, path: str) -> Path:
    try:
        found = (folder / path).resolve()
    except (OSError, RuntimeError) as error:  # links that lead in a circle
        raise ValueError(f"{path} leads nowhere: {error}") from error
    if not found.is_relative_to(folder.resolve()):
        raise ValueError(f"{path} leads out of the voices' folder")
    return found


def _version(shared: dict[str, Any], speaker_id: int | None) -> str:
    sums = sorted((role, file.sha256) for role, file in shared["files"].items())
    told = json.dumps([sums, speaker_id, shared["noise_scale"], shared["symbols"]])
    return hashlib.sha256(told.encode()).hexdigest()[:12]
