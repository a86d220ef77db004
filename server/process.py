"""What a server process may listen on, and how it stops. Light: gunicorn's master reads this and never the app."""

import ipaddress
import signal
import threading
from types import FrameType
from typing import Any

from speech.settings import Settings


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_open_bind(settings: Settings) -> None:
    """Listening beyond this machine needs an API key that is good. Raises InvalidRequest or Unavailable.

    Asked before anything listens; only then does gunicorn's master look into the store, and closes it again.
    """
    if is_loopback(settings.host):
        return
    from speech import access, migrations
    from speech.database import Database
    from speech.errors import InvalidRequest

    db = Database(settings.store_url)
    try:
        migrations.check(db)
        if not access.usable(db):
            raise InvalidRequest("open_bind", host=settings.host)
    finally:
        db.close()


def end_waits_on_stop(stopping: threading.Event) -> None:
    """Let SIGTERM end waits and streams too, else each holds the process until its time is over."""
    if threading.current_thread() is not threading.main_thread():
        return
    before: Any = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, stop)
