"""A server process from its settings: the parts it is made of, and what happens when it stops."""

import ipaddress
import logging
import signal
import sys
import threading
from contextlib import ExitStack
from types import FrameType
from typing import Any

from flask import Flask

from server.app import create_app
from speech import migrations
from speech.errors import SpeechError
from speech.queue import open_bells
from speech.settings import Settings
from speech.storage import open_storage
from speech.store import JobStore
from speech.sweeper import Sweeper


def open_app(settings: Settings) -> Flask:
    """The app on the store, bells and storage that the settings name, with a sweeper beside it.

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
            app = create_app(settings, store, bells, open_storage(settings))
            undo.pop_all()
    except (SpeechError, ValueError) as error:
        sys.exit(f"The server does not start. {error}")
    Sweeper(store, bells, settings).start()
    return app


def set_up_logging(settings: Settings) -> None:
    """One line an event to standard error, at the settings' level; texts and transcripts are never logged."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def refuse_open_bind(settings: Settings) -> None:
    """Listening beyond this machine needs API keys, and there are none yet. Raises ValueError."""
    host = settings.host.strip("[]")
    try:
        safe = ipaddress.ip_address(host).is_loopback
    except ValueError:
        safe = host == "localhost"
    if not safe:
        raise ValueError(
            f"MOKSORI_HOST={settings.host} can be reached from other machines, which needs API keys, "
            "and this version has none. Listen on 127.0.0.1."
        )


def end_waits_on_stop(app: Flask) -> None:
    """Let SIGTERM end waits and streams too, else each holds the process until its time is over."""
    if threading.current_thread() is not threading.main_thread():
        return
    stopping: threading.Event = app.extensions["moksori"].stopping
    before: Any = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, stop)
