"""`moksori keys`: make, list and revoke API keys of any tenant, beside the server or before it runs."""

import json
from typing import Any

import click

from moksori.opened import opened_store
from speech import access
from speech.access import SCOPES, ApiKey, Limits, NewKey
from speech.jobs import DEFAULT_TENANT, rfc3339
from speech.settings import Settings

DAY = 86_400.0  # seconds
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON")


@click.group("keys")
def command() -> None:
    """Make, list and revoke API keys."""


@command.command("create")
@click.option("--name", required=True, help="Who or what it is for")
@click.option(
    "--scope", "scopes", required=True, multiple=True, type=click.Choice(SCOPES), help="Repeatable"
)
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose jobs it sees")
@click.option("--member", "members", multiple=True, type=int, help="Voices; left out: all")
@click.option("--bucket", "buckets", multiple=True, help="gs://bucket/prefix for input and output")
@click.option("--requests-per-minute", type=click.IntRange(0), help="0: no limit")
@click.option("--queued-jobs", type=click.IntRange(0), help="0: no limit")
@click.option("--audio-seconds-per-day", type=click.IntRange(0), help="0: no limit")
@click.option("--days", type=click.FloatRange(0, min_open=True), help="Left out: until revoked")
@as_json
def create(
    name: str, scopes: tuple[str, ...], tenant: str, members: tuple[int, ...],
    buckets: tuple[str, ...], requests_per_minute: int | None, queued_jobs: int | None,
    audio_seconds_per_day: int | None, days: float | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a key and print it, this once: only its hash is stored."""
    new = NewKey(
        name, scopes, tenant, members or None, buckets or None,
        Limits(requests_per_minute, queued_jobs, audio_seconds_per_day),
        days and days * DAY,
    )  # fmt: skip
    with opened_store(Settings.from_env()) as store:
        key, text = access.create(store.db, new)
    if as_json:
        _print(key.shown() | {"key": text})
    else:
        click.echo(text)
        click.echo("Keep it now: it is not shown again.", err=True)


@command.command("list")
@click.option("--tenant", help="Left out: all tenants")
@as_json
def listed(tenant: str | None, as_json: bool) -> None:
    """List keys without their secrets."""
    with opened_store(Settings.from_env()) as store:
        found = access.listed(store.db, tenant)
    if as_json:
        _print([key.shown() for key in found])
        return
    for key in found:
        click.echo(_line(key))
    if not found:
        click.echo("No keys: the API asks for none, and the server listens on this machine only.")


@command.command("revoke")
@click.argument("key")
@as_json
def revoke(key: str, as_json: bool) -> None:
    """End KEY (its id, or the prefix that the list shows) for good."""
    with opened_store(Settings.from_env()) as store:
        ended = access.revoke(store.db, key)
    if as_json:
        _print(ended.shown())
    else:
        click.echo(_line(ended))


def _print(told: Any) -> None:
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def _line(key: ApiKey) -> str:
    ends = f"revoked {rfc3339(key.revoked)}" if key.revoked else ""
    ends = ends or (f"until {rfc3339(key.expires)}" if key.expires else "")
    used = f"used {rfc3339(key.last_used)}" if key.last_used else "never used"
    shown = f"{access.MARK}{key.prefix}"
    return "  ".join(filter(None, [shown, key.tenant, key.name, ",".join(key.scopes), used, ends]))
