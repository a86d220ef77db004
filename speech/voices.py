"""Who can speak: the manifest of member voices, and how a request names one.

Read by the server too, so nothing here opens a model.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speech.errors import Internal, InvalidRequest, NotFound
from speech.settings import Settings

SHIPPED = Path(__file__).resolve().parent.parent / "voice_model" / "shipped"
MANIFEST = "manifest.json"
MODEL_ALIASES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")


@dataclass(frozen=True)
class VoiceFile:
    """One file of a voice; `sha256` is hex, None where the layout knows no checksums."""

    path: Path
    sha256: str | None = None

    def verified(self) -> Path:
        """The path, once the bytes match the checksum. Raises Internal("voice_file_damaged")."""
        if not self.path.is_file():
            raise Internal("voice_file_missing", file=self.path.name)
        if self.sha256 is not None:
            with self.path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != self.sha256:
                raise Internal("voice_file_damaged", file=self.path.name)
        return self.path


@dataclass(frozen=True)
class Voice:
    """A trained pair (acoustic model and vocoder) and the member whose voice it is."""

    member: int  # from 1
    slug: str
    name: str  # for people, in Korean
    aliases: tuple[str, ...]
    model: str  # voices of one model share its loaded weights
    speaker_id: int | None  # None: the model has one speaker
    language: str  # ISO 639-1
    rate: int  # Hz
    hop: int  # samples of one frame
    symbols: tuple[str, ...]  # in the order of the model's embedding
    noise_scale: float  # what the voice sounds best with
    files: Mapping[str, VoiceFile] = field(hash=False)  # by role, see docs/voices.md
    version: str = ""  # changes when anything that is heard does

    def names(self) -> tuple[str, ...]:
        """Everything a request may call this voice by."""
        return (str(self.member), self.slug, self.name, *self.aliases)


class Voices:
    """The members of one manifest, in order."""

    def __init__(self, voices: list[Voice]) -> None:
        self._voices = sorted(voices, key=lambda voice: voice.member)
        self._by_name = {_fold(name): voice for voice in self._voices for name in voice.names()}
        names = sum(len(set(map(_fold, voice.names()))) for voice in self._voices)
        if names != len(self._by_name):
            raise ValueError("two voices of the manifest answer to one name")

    def __iter__(self) -> Iterator[Voice]:
        return iter(self._voices)

    def __len__(self) -> int:
        return len(self._voices)

    def find(self, value: Any, param: str = "voice") -> Voice:
        """The voice with this member id, slug, name or alias. Raises NotFound("unknown_voice")."""
        if isinstance(value, str) and (voice := self._by_name.get(_fold(value))):
            return voice
        return self.by_member(value, param)

    def by_member(self, value: Any, param: str = "member_id") -> Voice:
        """The voice of member 1 or "1", and nothing looser. Raises NotFound("unknown_voice")."""
        member = parse_member(value)
        for voice in self._voices:
            if voice.member == member:
                return voice
        raise NotFound("unknown_voice", param=param, given=_shown(value), known=self.known())

    def known(self) -> list[str]:
        """Each voice as an error shows it: "1 가온 (gaon)"."""
        return [f"{voice.member} {voice.name} ({voice.slug})" for voice in self._voices]


def parse_member(value: Any) -> int | None:
    """The member id of 1 or "1"; None for true, 1.0, "1e3", "01", "../1", 0 and all else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 1 else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value) if not value.startswith("0") else None
    return None


def find_model(value: Any, param: str = "model") -> str:
    """The speech model that a request names. Raises InvalidRequest("unknown_model")."""
    if value in MODEL_ALIASES:
        return str(value)
    raise InvalidRequest(
        "unknown_speech_model", param=param, given=_shown(value), known=list(MODEL_ALIASES)
    )


def load_voices(settings: Settings) -> Voices:
    """The voices of settings.voices, or the five that ship.

    Raises ValueError when the folder holds neither a manifest nor the older layout, or a broken one.
    """
    return read_voices(Path(settings.voices).expanduser() if settings.voices else SHIPPED)


def read_voices(folder: Path) -> Voices:
    """The voices of one folder: its manifest, else the older layout. Errors as load_voices."""
    if (folder / MANIFEST).is_file():
        return Voices(_from_manifest(folder))
    from speech.voice_folders import discover  # the older layout, rarely there

    voices = discover(folder)
    if not voices:
        raise ValueError(f"{folder} holds neither {MANIFEST} nor glow-tts/<member>/ folders")
    return Voices(voices)


def _from_manifest(folder: Path) -> list[Voice]:
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    try:
        models = {name: _model(folder, entry) for name, entry in manifest["models"].items()}
        return [_voice(entry, models) for entry in manifest["voices"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / MANIFEST}: missing or wrong {error}") from error


def _model(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    files = {role: _file(folder, file) for role, file in entry["files"].items()}
    return {
        "language": entry["language"],
        "rate": int(entry["rate_hz"]),
        "hop": int(entry["hop_samples"]),
        "symbols": tuple(entry["symbols"]),
        "noise_scale": float(entry["noise_scale"]),
        "files": files,
    }


def _voice(entry: dict[str, Any], models: dict[str, dict[str, Any]]) -> Voice:
    shared = models[entry["model"]]
    return Voice(
        member=int(entry["member"]),
        slug=entry["slug"],
        name=entry["name"],
        aliases=tuple(entry.get("aliases", ())),
        model=entry["model"],
        speaker_id=entry.get("speaker_id"),
        version=_version(shared, entry.get("speaker_id")),
        **shared,
    )


def _file(folder: Path, entry: dict[str, str]) -> VoiceFile:
    path = (folder / entry["path"]).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{entry['path']} leads out of the voices' folder")
    return VoiceFile(path, entry["sha256"])


def _version(shared: dict[str, Any], speaker_id: int | None) -> str:
    sums = sorted((role, file.sha256) for role, file in shared["files"].items())
    told = json.dumps([sums, speaker_id, shared["noise_scale"], shared["symbols"]])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


def _shown(value: Any) -> str:
    return (value if isinstance(value, str) else repr(value))[:80]
