"""What a server process may listen on, and how it stops. Light: gunicorn's master reads this and never the app."""

import ipaddress
import signal
import threading
from types import FrameType
from typing import Any

from speech.settings import Settings


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
