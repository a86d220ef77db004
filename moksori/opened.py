"""A job store for a command: opened, checked, and closed again."""

from collections.abc import Iterator
from contextlib import contextmanager

from speech import migrations
from speech.queue import open_bells
from speech.settings import Settings
from speech.store import JobStore


@contextmanager
def opened_store(settings: Settings) -> Iterator[JobStore]:
    """The settings' store, its schema checked. Raises Unavailable("schema_too_old")."""
    bells = open_bells(settings)
    store = JobStore.from_settings(settings, bells)
    try:
        migrations.check(store.db)
        yield store
    finally:
        store.db.close()
        bells.close()
