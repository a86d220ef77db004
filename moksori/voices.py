"""`moksori voices`: who can speak here, with which engine, and where each voice is from."""

import json
import logging
from typing import Any

import click

from moksori.opened import opened_store
from speech import ledger, revoking
from speech.errors import Internal
from speech.manifest import newest_voices
from speech.settings import Settings
from speech.storage import open_storage
from speech.voices import Voice, load_voices, parse_member


@click.group("voices", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the members, after loading every voice."""
    if context.invoked_subcommand:
        return
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
            click.echo(f"     version {row['version']} from {', '.join(row['from'])}")
    if all(row["status"].startswith("broken") for row in rows):
        raise SystemExit(1)


@command.command("fetch")
def fetch() -> None:
    """Bring the files of voices in a bucket to this machine, and check them."""
    settings = Settings.from_env()
    try:
        failed = fetch_voices(settings)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    for model, reason in failed.items():
        click.echo(f"!!  {model}: {reason}")
    if failed:
        raise SystemExit(1)
    click.echo("Every voice's files are here.")


@command.command("ledger")
def show_ledger() -> None:
    """List every version ever loaded, with its checksums and what its member agreed to, as JSON."""
    with opened_store(Settings.from_env()) as store, store.db.read() as connection:
        click.echo(json.dumps(ledger.listed(connection), ensure_ascii=False, indent=2))


@command.command("revoke")
@click.argument("member")
@click.option("--undo", is_flag=True, help="Allow new jobs again; what was removed stays removed")
def revoke(member: str, undo: bool) -> None:
    """Take MEMBER's voice back: no new jobs, queued ones cancelled, all that it said removed."""
    settings = Settings.from_env()
    # A voice that is gone from the manifest is named by its number.
    number = parse_member(member) or load_voices(settings).find(member, "MEMBER").member
    with opened_store(settings) as store:
        if undo:
            with store.writing() as tx:
                undone = ledger.allow_again(tx, number)
            click.echo("New jobs may use it again." if undone else "It was not revoked.")
            return
        report = revoking.revoke(store, open_storage(settings), number, "the command line")
    click.echo(json.dumps({"member": number, **report.shown()}, ensure_ascii=False, indent=2))
    if report.failed or report.running:
        raise click.ClickException("Not all of it is gone yet: say it again.")


def fetch_voices(settings: Settings) -> dict[str, str]:
    """Fetches ahead what the settings' voices need from a bucket; by model, why it cannot be had.

    Raises ValueError for a broken manifest, Unavailable("models_unreachable").
    """
    from voice_model import engines  # slow, and --help needs none of it

    return engines.fetch(newest_voices(settings), settings)


def _rows(settings: Settings) -> list[dict[str, Any]]:
    voices = load_voices(settings)
    name, broken = _engine(settings)
    return [_row(voice, name, broken) for voice in voices]


def _engine(settings: Settings) -> tuple[str, dict[int, str]]:
    """The engine's name and, by member, why a voice does not load."""
    from voice_model import engines

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
        "from": voice.origins(),
        "engine": engine,
        "status": f"broken: {reason}" if reason else f"speaks ({engine})",
    }
