"""`moksori restore`: the job store from a file of `moksori backup`."""

from pathlib import Path

import click

from moksori.opened import opened_store
from speech.backup import restore
from speech.settings import Settings


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(file: Path) -> None:
    """Fill an empty job store from FILE; its jobs go on."""
    with opened_store(Settings.from_env()) as store:
        found = restore(store, file)
    click.echo(f"Restored what was there at {found.made}:")
    for table, count in found.counts.items():
        click.echo(f"{count:>10}  {table}")
