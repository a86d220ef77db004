"""`moksori`: one subcommand a file; each file has a click command called `command`."""

import importlib
import os

import click

from moksori.terminal import language
from speech.errors import SpeechError
from speech.settings import BadSettings

COMMANDS = (
    "serve",
    "say",
    "transcribe",
    "voices",
    "teach",
    "train",
    "jobs",
    "keys",
    "doctor",
    "prepare",
    "migrate",
    "storage",
    "broker",
    "purge",
    "backup",
    "restore",
)


class Commands(click.Group):
    """Imports a subcommand's module when it is asked for, so that `moksori voices` never loads a server."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of moksori/<name>.py."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"moksori.{name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Our own errors are sentences for people; a traceback would hide them."""
        try:
            return super().invoke(ctx)
        except SpeechError as error:
            raise click.ClickException(error.message(language())) from None
        except BadSettings as error:
            raise click.ClickException(str(error)) from None


@click.command(cls=Commands)
@click.version_option(package_name="moksori")
def main() -> None:
    """Moksori (목소리): Korean member voices, transcripts and subtitles as durable jobs."""
    # Models come from packages, folders or a configured hub name; nothing else may ask the network.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


if __name__ == "__main__":
    main()
