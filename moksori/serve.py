"""`moksori serve`: server and workers on this machine, until Ctrl-C."""

import sys
from dataclasses import replace
from typing import Any

import click

from moksori.supervisor import Supervisor, WontStart
from speech.settings import Settings


@click.command("serve")
@click.option("--host", help="Address to listen on")
@click.option("--port", type=int, help="Port to listen on")
@click.option(
    "--prove", is_flag=True, help="Speak and transcribe once through the HTTP API, then go on"
)
@click.option(
    "--once", is_flag=True, help="With --prove: end after it; the exit code says whether it worked"
)
def command(host: str | None, port: int | None, prove: bool, once: bool) -> None:
    """Start the service: embedded workers, or Celery's when MOKSORI_BROKER_URL is set."""
    try:
        settings = Settings.from_env()
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    given: dict[str, Any] = {
        name: value for name, value in (("host", host), ("port", port)) if value is not None
    }
    settings = replace(settings, data_dir=str(settings.data), **given)
    try:
        with Supervisor(settings) as supervisor:
            supervisor.wait_until_ready(click.echo)
            if prove or once:
                from moksori.prove import prove_it  # only here: urllib and json of a client

                proved = prove_it(settings.links_url, click.echo, settings.api_key)
                if once:
                    sys.exit(0 if proved else 1)
            supervisor.watch()
    except WontStart as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("Stopped.")
