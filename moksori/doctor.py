"""`moksori doctor`: what is here, what is missing, and how to get it."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator

import click
import psutil

from moksori.buckets import voices_in_bucket, whisper_in_bucket
from moksori.look import Look
from moksori.opened import opened_store
from moksori.terminal import language
from server.process import is_loopback
from speech import access
from speech.errors import SpeechError
from speech.manifest import is_bucket
from speech.queries import live_workers
from speech.settings import Settings
from speech.store import JobStore

PACKAGES = (
    "flask", "gunicorn", "celery", "sqlalchemy", "onnxruntime", "faster-whisper", "ctranslate2", "av",
    "g2pk", "python-mecab-ko", "google-cloud-storage", "torch", "coqui-tts",
)  # fmt: skip
OPTIONAL = {"torch": "only for the coqui engine", "coqui-tts": "only for the coqui engine"}
ROOM = 2_000_000_000  # bytes


@click.command("doctor")
def command() -> None:
    """Print devices, versions, models and voices, and what is missing."""
    try:
        settings = Settings.from_env()
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    worst = True
    for title, look in SECTIONS.items():
        click.echo(title)
        for found in _safely(look, settings):
            worst = worst and found.ok
            click.echo(f"  {'ok ' if found.ok else '!! '} {found.what}")
            if not found.ok and found.fix:
                click.echo(f"      -> {found.fix}")
    sys.exit(0 if worst else 1)


def _safely(look: Callable[[Settings], Iterator[Look]], settings: Settings) -> Iterator[Look]:
    """A section that breaks is itself a finding: a doctor does not fall ill."""
    try:
        yield from look(settings)
    except Exception as error:
        yield Look(False, f"{type(error).__name__}: {error}", "see the sentence above")


def machine(_settings: Settings) -> Iterator[Look]:
    """Processor, memory and graphics cards."""
    memory = psutil.virtual_memory()
    yield Look(True, f"Python {platform.python_version()} on {platform.platform(terse=True)}")
    yield Look(
        memory.available > ROOM,
        f"{os.cpu_count()} cores, {memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB memory free",
        "the default models want about 2 GB",
    )
    import ctranslate2

    cards = ctranslate2.get_cuda_device_count()
    yield Look(
        True, f"{cards} CUDA device(s)" if cards else "no CUDA device: models run on the CPU"
    )


def packages(_settings: Settings) -> Iterator[Look]:
    """Versions of what the work is done with."""
    for name in PACKAGES:
        try:
            yield Look(True, f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            if name in OPTIONAL:
                yield Look(True, f"{name} is not installed ({OPTIONAL[name]}: see docs/voices.md)")
            else:
                yield Look(False, f"{name} is missing", "make install")


def models(settings: Settings) -> Iterator[Look]:
    """The Whisper model and the devices it would run on."""
    from worker.whisper import choose_device
    from worker.whisper_weights import find

    device, compute_type = choose_device(settings)
    yield Look(True, f"Whisper would run on {device} with {compute_type}")
    try:
        yield Look(
            True, f"Whisper {settings.whisper_model}: {find(settings.whisper_model, settings)}"
        )
    except SpeechError as error:
        yield Look(False, error.message(language()), "moksori prepare")
    if is_bucket(settings.whisper_model):
        yield whisper_in_bucket(settings)


def voices(settings: Settings) -> Iterator[Look]:
    """The members, each file's checksum, and the engine that would speak them."""
    from speech.voices import load_voices
    from voice_model.engines import load

    found = load_voices(settings)
    if any(file.url for voice in found for file in voice.files.values()):
        yield voices_in_bucket(settings)
    engine = load(found, settings)  # fetches what is lacking
    yield Look(True, f"engine {engine.name}")
    for voice in found:
        broken = engine.broken.get(voice.member)
        yield Look(
            broken is None,
            f"member {voice.member} {voice.name} ({voice.slug})"
            + (f": {broken}" if broken else ""),
            "restore the voice's files, or take it out of the manifest",
        )


def services(settings: Settings) -> Iterator[Look]:
    """Store, broker, storage and workers."""
    try:
        with opened_store(settings) as store:
            yield Look(True, f"job store at {store.db.engine.url.render_as_string()}")
            with store.db.read() as connection:
                alive = live_workers(connection, store.db.now(connection))
            yield _keys(store, settings)
            names = ", ".join(worker["id"] for worker in alive) or "none"
            yield Look(True, f"{len(alive)} worker(s) alive: {names}")
            if not settings.embedded:
                fix = "is MOKSORI_BROKER_URL right, and the broker up?"
                yield Look(store.bells.probe() is not None, "RabbitMQ", fix)
    except SpeechError as error:
        yield Look(False, error.message(language()), "moksori migrate (make run does it by itself)")
    yield Look(True, f"artifacts at {settings.artifacts_url} (try: moksori storage check)")
    folder = next(parent for parent in (settings.data, *settings.data.parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    yield Look(
        free > ROOM, f"{free / 1e9:.1f} GB free at {folder}", "make room, or set MOKSORI_DATA_DIR"
    )


def _keys(store: JobStore, settings: Settings) -> Look:
    """Whether callers are asked for API keys, and anybody has one that is good."""
    if access.usable(store.db):
        return Look(True, "API keys are asked for")
    with store.db.read() as connection:
        asked = access.exist(connection) or settings.require_keys
    if not asked and is_loopback(settings.host):
        return Look(True, "no API key was made: this machine alone may call, without one")
    return Look(False, "no API key is good: nobody can call", "moksori keys create")


SECTIONS: dict[str, Callable[[Settings], Iterator[Look]]] = {
    "Machine": machine,
    "Packages": packages,
    "Whisper": models,
    "Voices": voices,
    "Services": services,
}
