"""`moksori prepare`: what a first start needs beside the installed packages; the second time it is done at once."""

import click

from moksori.voices import fetch_voices
from speech.settings import Settings
from worker.whisper_weights import resolve


@click.command("prepare")
@click.option("--quiet", is_flag=True, help="Say nothing unless there is something to do")
def command(quiet: bool) -> None:
    """Make the models ready: Whisper's weights are joined and checked, what is in a bucket is fetched."""
    settings = Settings.from_env()
    click.echo("Preparing the models …") if not quiet else None
    try:
        found = resolve(settings.whisper_model, settings, click.echo)
        click.echo(f"  Whisper: {found}") if not quiet else None
        failed = fetch_voices(settings)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    for model, reason in failed.items():
        click.echo(f"  voices of {model}: {reason}")
