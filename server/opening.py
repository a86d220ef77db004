"""A server process from its settings: the parts that it is made of."""

import logging
import sys
from contextlib import ExitStack

from flask import Flask

from server.app import create_app
from server.process import refuse_open_bind
from speech import migrations
from speech.errors import SpeechError
from speech.purger import Purger
from speech.queue import open_bells
from speech.settings import Settings
from speech.storage import open_storage
from speech.store import JobStore
from speech.sweeper import Sweeper


def open_app(settings: Settings) -> Flask:
    """The app on the store, bells and storage that the settings name, with a sweeper and a purger beside it.

    Ends the process with one sentence when the settings are wrong or the schema is older than this code.
    """
    set_up_logging(settings)
    try:
        refuse_open_bind(settings)
        with ExitStack() as undo:
            bells = open_bells(settings)
            undo.callback(bells.close)
            store = JobStore.from_settings(settings, bells)
            undo.callback(store.db.close)
            migrations.check(store.db)
            storage = open_storage(settings)
            app = create_app(settings, store, bells, storage)
            undo.pop_all()
    except (SpeechError, ValueError) as error:
        sys.exit(f"The server does not start. {error}")
    Sweeper(store, bells, settings).start()
    Purger(store, storage, settings).start()
    service = app.extensions["moksori"]
    service.fresh.start(service.stopping)
    return app


def set_up_logging(settings: Settings) -> None:
    """One line an event to standard error, at the settings' level; texts and transcripts are never logged."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
