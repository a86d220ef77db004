"""`moksori migrate`: bring the job store's schema to this version."""

import click

from speech import migrations
from speech.database import Database
from speech.settings import Settings


@click.command("migrate")
def command() -> None:
    """Bring the job store's schema to this version."""
    settings = Settings.from_env()
    db = Database(settings.store_url)
    try:
        click.echo(f"{db.engine.url.render_as_string()} is at {migrations.migrate(db)}")
    finally:
        db.close()
