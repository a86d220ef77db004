"""`moksori backup`: the job store in one file."""

from pathlib import Path

import click

from moksori.opened import opened_store
from speech.backup import back_up
from speech.settings import Settings


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def command(file: Path) -> None:
    """Write the job store to FILE, as it is now; servers and workers may run on."""
    with opened_store(Settings.from_env()) as store:
        made = back_up(store.db, file)
    click.echo(f"{file}: schema {made.revision}, {made.made}")
    for table, count in made.counts.items():
        click.echo(f"{count:>10}  {table}")
