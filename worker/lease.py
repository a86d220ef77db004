"""The side thread of an attempt: it renews the lease, and sees that the job is to stop."""

import logging
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

from speech.errors import Cancelled, LeaseLost, Unavailable
from speech.jobs import Job
from speech.settings import Settings
from speech.store import JobStore

log = logging.getLogger(__name__)

LOOK_EVERY = 0.2  # seconds between looks at the row
# From the cancel being seen to the child ending itself: with the look, inside the promised 1 s and 5 s.
PATIENCE = {"speech": 0.6, "transcription": 4.0}
ENDED_BY_US = 75  # exit code of a child that ended itself because its job was to stop


class Lease:
    """Use as a context around an attempt; `stopping` is set when the work is to end."""

    def __init__(
        self, store: JobStore, job: Job, settings: Settings, beat: Callable[[], None] = lambda: None
    ) -> None:
        self.store = store
        self.job = job
        self.settings = settings
        self.beat = beat  # called at every look
        self.stopping = threading.Event()
        self._heard = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        self._over.set()
        self._thread.join(5)

    def check(self) -> None:
        """Raises Cancelled when the work is to end."""
        if self.stopping.is_set():
            raise Cancelled

    def end(self) -> None:
        """The engine is done and the row is about to end by us: from here on nobody is deaf.

        Renewals go on, for the store may be away; a cancel that comes now is for the commit to see.
        """
        self._heard.set()

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._over.wait(LOOK_EVERY):
            try:
                stands, cancel = self.store.stands(self.job)
                if stands and time.monotonic() - renewed > self.settings.renew_seconds:
                    cancel = self.store.renew(self.job)
                    renewed = time.monotonic()
                self.beat()
            except LeaseLost:
                stands, cancel = False, False
            except Unavailable:
                continue  # an outage of the store costs no attempt; the row is asked again in a moment
            if not stands or cancel:
                self.stopping.set()
                self._end_if_deaf(cancel and stands)
                return

    def _end_if_deaf(self, cancel: bool) -> None:
        """Wait for the engine to notice; end the child when it does not."""
        if self._heard.wait(PATIENCE[self.job.lane]):
            return
        log.warning("job %s: the engine did not stop in time; ending the child", self.job.id)
        if cancel:
            try:
                self.store.cancelled(self.job)
            except (LeaseLost, Unavailable):
                pass  # the parent releases it; the flag in the row makes that a cancel
        os._exit(ENDED_BY_US)
