"""Entry point of the embedded worker: `python -m worker.embedded`, started by the supervisor."""

import os
import sys
import threading
import time

from speech import migrations
from speech.errors import SpeechError
from speech.queue import open_bells
from speech.settings import Settings
from speech.store import JobStore
from speech.sweeper import Sweeper
from worker.child import host_name
from worker.dispatcher import Dispatcher
from worker.log import set_up_logging


def main() -> int:
    """Run the dispatcher until it is told to stop, or until whoever holds our standard input is gone."""
    settings = Settings.from_env()
    set_up_logging(settings)
    bells = open_bells(settings)
    store = JobStore.from_settings(settings, bells, durable=False)
    try:
        migrations.check(store.db)
    except SpeechError as error:
        sys.exit(f"This worker does not start: {error}")
    boot = os.environ.get("MOKSORI_BOOT") or f"{os.getpid()}-{int(time.time())}"
    if not sys.stdin.closed and not sys.stdin.isatty():
        threading.Thread(target=_end_with_supervisor, daemon=True).start()
    dispatcher = Dispatcher(settings, store, f"{host_name(settings)}/{boot}")
    sweeper = Sweeper(store, bells, settings).start()
    try:
        return dispatcher.run()
    finally:
        sweeper.stop()


def _end_with_supervisor() -> None:
    """The supervisor holds the other end of a pipe; its end is ours, however it came."""
    while os.read(0, 1):  # not through sys.stdin, whose lock would be held at our exit
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
