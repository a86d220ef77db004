"""Under which names a transcription may ask for a Whisper model."""

from pathlib import PurePath

from speech.settings import Settings

ALIASES = ("whisper-1",)


def own_names(settings: Settings) -> tuple[str, ...]:
    """The configured model's: the alias, and its own name with and without `whisper-`."""
    own = PurePath(settings.whisper_model).name
    return tuple(dict.fromkeys((*ALIASES, f"whisper-{own}", own)))


def further_models(settings: Settings) -> dict[str, str]:
    """The other models that may be asked for: each name, and what the setting says it stands for."""
    told = [one.strip() for one in settings.whisper_models.split(",") if one.strip()]
    named = {PurePath(one).name: one for one in told}
    names = {f"whisper-{name}": model for name, model in named.items()} | named
    return {name: model for name, model in names.items() if name not in own_names(settings)}
