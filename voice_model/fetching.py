"""Files of voices that live in a bucket: brought into this host's cache before an engine opens them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from speech.settings import Settings
from speech.voices import Voice, VoiceFile

if TYPE_CHECKING:  # Google's client is slow to import, and most voices are in a folder
    from speech.model_cache import Held, ModelCache, Wanted


@dataclass(frozen=True)
class Local:
    """A voice whose files are on this machine, and what keeps them from being removed."""

    voice: Voice
    held: tuple["Held", ...] = ()


def local(voice: Voice, roles: Iterable[str], settings: Settings, again: bool = False) -> Local:
    """The voice with the files of `roles` on this machine; `again` fetches whatever the cache has.

    Raises what ModelCache.hold raises.
    """
    remote = _remote(voice, roles)
    if not remote:
        return Local(voice)
    cache, files, held = _cache(settings), dict(voice.files), []
    for role, file in remote.items():
        held.append(cache.hold(_entry(file), [_wanted(file)], again))
        files[role] = VoiceFile(held[-1].folder / file.path.name, file.sha256)
    return Local(replace(voice, files=files), tuple(held))


def is_here(voice: Voice, roles: Iterable[str], settings: Settings) -> bool:
    """True when all files of `roles` are on this machine, whole; nothing is fetched."""
    remote = _remote(voice, roles).values()
    return all(_cache(settings).find(_entry(file), [_wanted(file)]) for file in remote)


def _remote(voice: Voice, roles: Iterable[str]) -> dict[str, VoiceFile]:
    return {role: file for role in roles if (file := voice.files.get(role)) and file.url}


def _cache(settings: Settings) -> "ModelCache":
    from speech.model_cache import ModelCache

    return ModelCache.from_settings(settings)


def _entry(file: VoiceFile) -> str:
    return str(file.sha256)


def _wanted(file: VoiceFile) -> "Wanted":
    from speech.model_cache import Wanted

    return Wanted(file.path.name, file.url, f"sha256:{file.sha256}")
