"""Entry point of the embedded worker: `python -m worker.embedded`, started by the supervisor."""

import os
import sys
import threading
import time

from speech import migrations
from speech.queue import open_bells
from speech.settings import Settings
from speech.store import JobStore
from worker.child import host_name
from worker.dispatcher import Dispatcher
from worker.log import set_up_logging


def main() -> int:
    """Run the dispatcher until it is told to stop, or until whoever holds our standard input is gone."""
    settings = Settings.from_env()
    set_up_logging(settings)
    store = JobStore.from_settings(settings, open_bells(settings), durable=False)
    migrations.check(store.db)
    boot = os.environ.get("MOKSORI_BOOT") or f"{os.getpid()}-{int(time.time())}"
    if not sys.stdin.closed and not sys.stdin.isatty():
        threading.Thread(target=_end_with_supervisor, daemon=True).start()
    return Dispatcher(settings, store, f"{host_name(settings)}/{boot}").run()


def _end_with_supervisor() -> None:
    """The supervisor holds the other end of a pipe; its end is ours, however it came."""
    while os.read(0, 1):  # not through sys.stdin, whose lock would be held at our exit
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
