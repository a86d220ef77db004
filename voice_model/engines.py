"""One door to the engines that speak: load once, then synthesize.

A new engine is one module with `ROLES` (the voice files it needs), perhaps `OPTIONAL` (those it can use), and
`open_networks(voice, settings)`, and one entry in ENGINES.
"""

import importlib
import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from speech.audio import Audio
from speech.errors import Internal, SpeechError
from speech.settings import Settings
from speech.voices import Voice, Voices
from voice_model.fetching import local
from voice_model.pipeline import Networks, SpeakOptions, predicted, speak

ENGINES: dict[str, str] = {"onnx": "voice_model.onnx", "coqui": "voice_model.coqui"}

log = logging.getLogger(__name__)


@dataclass
class Engine:
    """Loaded voices of one engine; `broken` says of each member that cannot speak, why."""

    name: str
    networks: dict[str, Networks]  # by Voice.model
    broken: dict[int, str] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)  # models whose files could not be fetched
    held: list[Any] = field(default_factory=list)  # what keeps its files in the cache

    def synthesize(
        self,
        symbols: list[int],
        voice: Voice,
        options: SpeakOptions,
        check: Callable[[], None] = lambda: None,
    ) -> tuple[Audio, list[int]]:
        """Sound and frames of each symbol. Raises Internal("voice_broken") for a broken voice."""
        return speak(self._of(voice), symbols, voice, options, check)

    def predict(self, symbols: list[int], voice: Voice, options: SpeakOptions) -> list[int]:
        """The frames that each symbol would take, without a sound. Raises as `synthesize`."""
        return predicted(self._of(voice), symbols, voice, options)

    def _of(self, voice: Voice) -> Networks:
        if voice.member in self.broken:
            raise Internal("voice_broken", voice=voice.slug)
        return self.networks[voice.model]


def load(voices: Voices, settings: Settings) -> Engine:
    """Every voice on the engine of the settings.

    Raises Internal("every_voice_broken") when not one can be loaded, ValueError for an unknown engine.
    """
    name = choose(voices, settings)
    module = importlib.import_module(ENGINES[name])
    engine, failed = Engine(name, {}), dict[str, str]()
    for voice in voices:
        if voice.model not in engine.networks and voice.model not in failed:
            _open(engine, failed, module, voice, settings)
        if voice.model in failed:
            engine.broken[voice.member] = failed[voice.model]
    if len(engine.broken) == len(voices):
        raise Internal("every_voice_broken", reason="; ".join(sorted(set(failed.values()))))
    return engine


def choose(voices: Voices, settings: Settings) -> str:
    """The engine's name; `auto` is explained in docs/voices.md.

    On CUDA PyTorch is the faster. On a CPU ONNX Runtime is, so coqui is taken there
    only for voices that were never exported.
    """
    asked = settings.speech_engine
    if asked != "auto" and asked not in ENGINES:
        raise ValueError(f"MOKSORI_SPEECH_ENGINE={asked!r} is none of auto, {', '.join(ENGINES)}")
    if asked != "auto":
        return asked
    exported = all("encoder" in voice.files for voice in voices)
    if not has_coqui():
        return "onnx"
    return "coqui" if not exported or _on_cuda(settings) else "onnx"


def fetch(voices: Voices, settings: Settings) -> dict[str, str]:
    """Bring what is in a bucket to this machine; by model, why its files cannot be had.

    Raises Unavailable("models_unreachable").
    """
    failed: dict[str, str] = {}
    if not any(file.url for voice in voices for file in voice.files.values()):
        return failed
    wanted = roles(choose(voices, settings))
    for model, voice in {voice.model: voice for voice in voices}.items():
        try:
            local(voice, wanted, settings)
        except Internal as error:
            failed[model] = str(error)
    return failed


def roles(name: str) -> tuple[str, ...]:
    """The voice files that an engine opens, where a voice has them."""
    module = importlib.import_module(ENGINES[name])
    return (*module.ROLES, *getattr(module, "OPTIONAL", ()))


def has_coqui() -> bool:
    """True when PyTorch and coqui-tts are installed here."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "TTS"))


def _on_cuda(settings: Settings) -> bool:
    if settings.speech_device == "cpu":
        return False
    import torch  # takes a second, and only `auto` with PyTorch at hand asks

    return bool(torch.cuda.is_available())


def _open(
    engine: Engine, failed: dict[str, str], module: ModuleType, voice: Voice, settings: Settings
) -> None:
    missing = [role for role in module.ROLES if role not in voice.files]
    try:
        if missing:
            raise ValueError(f"the {engine.name} engine needs {', '.join(missing)}")
        engine.networks[voice.model] = _networks(engine, module, voice, settings)
    except (
        Exception
    ) as error:  # whatever a damaged file makes a library raise breaks this voice only
        log.exception("voice %s cannot be loaded", voice.slug)
        failed[voice.model] = f"{type(error).__name__}: {error}"


def _networks(engine: Engine, module: ModuleType, voice: Voice, settings: Settings) -> Networks:
    """The voice's networks; what came from a bucket and does not load is fetched again once."""
    try:
        here = local(voice, roles(engine.name), settings)
    except SpeechError:
        engine.lacking.add(voice.model)
        raise
    engine.held += here.held
    try:
        return module.open_networks(here.voice, settings)
    except Exception:
        if not here.held:
            raise
        log.warning("voice %s does not load; its files are fetched again", voice.slug)
        again = local(voice, roles(engine.name), settings, again=True)
        return module.open_networks(again.voice, settings)
