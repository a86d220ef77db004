"""`moksori voices`: who can speak here, and with which engine."""

import json
import logging
from typing import Any

import click

from speech.errors import Internal
from speech.settings import Settings
from speech.voices import Voice, load_voices


@click.command("voices")
@click.option("--json", "as_json", is_flag=True, help="As JSON")
def command(as_json: bool) -> None:
    """List the members, after loading every voice."""
    settings = Settings.from_env()
    try:
        rows = _rows(settings)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for row in rows:
            click.echo(
                "{member:>3}  {name} ({slug})  {language}  {rate_hz} Hz  {status}".format(**row)
            )
            if row["aliases"]:
                click.echo(f"     also: {', '.join(row['aliases'])}")
    if all(row["status"].startswith("broken") for row in rows):
        raise SystemExit(1)


def _rows(settings: Settings) -> list[dict[str, Any]]:
    voices = load_voices(settings)
    name, broken = _engine(settings)
    return [_row(voice, name, broken) for voice in voices]


def _engine(settings: Settings) -> tuple[str, dict[int, str]]:
    """The engine's name and, by member, why a voice does not load."""
    from voice_model import engines  # slow, and --help needs none of it

    logging.disable(logging.ERROR)  # the reason stands in the table
    voices = load_voices(settings)
    try:
        loaded = engines.load(voices, settings)
    except Internal as error:
        return engines.choose(voices, settings), {voice.member: str(error) for voice in voices}
    finally:
        logging.disable(logging.NOTSET)
    return loaded.name, loaded.broken


def _row(voice: Voice, engine: str, broken: dict[int, str]) -> dict[str, Any]:
    reason = broken.get(voice.member)
    return {
        "member": voice.member,
        "slug": voice.slug,
        "name": voice.name,
        "aliases": list(voice.aliases),
        "language": voice.language,
        "rate_hz": voice.rate,
        "version": voice.version,
        "engine": engine,
        "status": f"broken: {reason}" if reason else f"speaks ({engine})",
    }
