"""Purges now and then: a thread of every server process, of which one in the deployment has its turn."""

import logging
import threading
import uuid

from speech import locks
from speech.errors import Unavailable
from speech.purge import Purge, Taken
from speech.retention import DAY
from speech.settings import Settings
from speech.storage import Storage
from speech.store import JobStore

log = logging.getLogger(__name__)

LOOK_EVERY = 60.0  # seconds at most between looks whether a purge is due


class Purger:
    """One thread; `look` may also be called by hand."""

    def __init__(self, store: JobStore, storage: Storage, settings: Settings) -> None:
        self.store, self.storage, self.settings = store, storage, settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="purger", daemon=True)

    def start(self) -> "Purger":
        """Begin to look; where the setting is 0, never."""
        if self.settings.purge_seconds > 0:
            self._thread.start()
        return self

    def stop(self) -> None:
        """Look no more; a run that is under way is waited for, for a moment."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(min(LOOK_EVERY, self.settings.purge_seconds)):
            try:
                self.look()
            except Taken:
                log.info("another process purges; its turn is enough")
            except Unavailable as error:
                log.warning("the purge was broken off (%s); the next one goes on", error)
            except Exception:
                log.exception("The purge failed; the next one is due in %s s", self._every)

    def look(self) -> bool:
        """Purge if it is due; once a day strays in storage are looked for too. Whether it was due."""
        with self.store.writing() as tx:
            if not locks.due(tx, "purge-due", self._every):
                return False
            strays = locks.due(tx, "strays-due", DAY)
        done = Purge(self.store, self.storage, self.settings, str(uuid.uuid4())).run(strays)
        if done:
            log.info("purged: %s", ", ".join(f"{n} {kind}" for kind, n in sorted(done.items())))
        return True

    @property
    def _every(self) -> float:
        return self.settings.purge_seconds
