"""Who can speak: the manifest of member voices, and how a request names one.

Read by the server too, so nothing here opens a model.
"""

import hashlib
import logging
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speech.errors import Internal, InvalidRequest, NotFound, Unavailable
from speech.settings import Settings

SHIPPED = Path(__file__).resolve().parent.parent / "voice_model" / "shipped"
MANIFEST = "manifest.json"
MODEL_ALIASES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VoiceFile:
    """One file of a voice; `sha256` is hex, None where the layout knows no checksums.

    With a `url` (gs://…) it has to be fetched first, and `path` is no more than its name.
    """

    path: Path
    sha256: str | None = None
    url: str = ""

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
    blank: int | None = None  # the id that stands between symbols; None: nothing does
    licence: str = ""  # of the voice, for the files that it makes
    # What its member agreed to: scope, given, until.
    consent: Mapping[str, str] = field(default_factory=dict, hash=False)

    def names(self) -> tuple[str, ...]:
        """Everything a request may call this voice by."""
        return (str(self.member), self.slug, self.name, *self.aliases)

    def origins(self) -> list[str]:
        """The folders and gs:// URLs that its files come from."""
        places = {(file.url or str(file.path)).rpartition("/")[0] for file in self.files.values()}
        return sorted(places)


class Voices:
    """The members of one manifest, in order; `stamp` is another one when the manifest is."""

    def __init__(self, voices: list[Voice], stamp: str = "") -> None:
        self.stamp = stamp
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

    While a bucket is away, or holds a broken manifest, those of its last good one. Raises ValueError when there is
    neither a manifest nor the older layout, or a broken one, and Unavailable("models_unreachable").
    """
    from speech.manifest import newest_voices, remembered_voices

    try:
        return newest_voices(settings)
    except (Unavailable, ValueError) as error:
        if (known := remembered_voices(settings)) is None:
            raise
        log.error("the voices are the last ones known: %s", error)
        return known


def read_voices(folder: Path) -> Voices:
    """The voices of one folder: its manifest, else the older layout. Errors as load_voices."""
    from speech.manifest import read_folder

    return read_folder(folder)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


def _shown(value: Any) -> str:
    return (value if isinstance(value, str) else repr(value))[:80]
