"""`moksori purge`: remove what is past its time, now."""

import uuid

import click

from moksori.opened import opened_store
from speech.errors import Busy
from speech.purge import Purge, Taken
from speech.settings import Settings
from speech.storage import open_storage

KINDS = {
    "uploads": "uploads that no job can name any more",
    "inputs": "inputs",
    "artifacts": "jobs whose files are past their time",
    "rows": "jobs",
    "tombstones": "ids of jobs that went long ago",
    "speech": "entries of the cache of speech",
    "strays": "objects in storage that no job knows",
    "objects": "objects and folders removed from storage",
}


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Only say what would go")
def command(dry_run: bool) -> None:
    """Remove inputs, files and jobs that are past their time, and strays in storage."""
    settings = Settings.from_env()
    with opened_store(settings) as store:
        purge = Purge(store, open_storage(settings), settings, str(uuid.uuid4()), dry_run)
        try:
            done = purge.run()
        except Taken:
            raise Busy("purge_taken") from None
    for kind, what in KINDS.items():
        if not (dry_run and kind == "objects"):
            click.echo(f"{done[kind]:>8}  {what}")
    if done["failed"]:
        raise click.ClickException(f"{done['failed']} objects could not be removed; see the log.")
