"""The voices of a process that only names them: looked for again and again, replaced when they have changed."""

import logging
import threading

from speech.manifest import newest_voices
from speech.settings import Settings
from speech.voices import Voices

log = logging.getLogger(__name__)


class FreshVoices:
    """Holds the newest good `voices`; a thread looks, and `look` may be called by hand."""

    def __init__(self, settings: Settings, voices: Voices) -> None:
        self.settings = settings
        self.voices = voices
        self.problem = ""  # why the newest are not held

    def start(self, stopping: threading.Event) -> None:
        """Begin to look, until `stopping` is set; not at all where the settings say never."""
        log.info("voices at the start: %s", ", ".join(self.voices.known()))
        if self.settings.reload_seconds:
            threading.Thread(target=self._run, args=(stopping,), name="voices", daemon=True).start()

    def look(self) -> None:
        """Take the newest voices; those that are held stay while these are broken or cannot be read."""
        try:
            found = newest_voices(self.settings)
        except Exception as error:  # those that are held can still be asked for
            self._stay(str(error))
            return
        self.problem = ""
        if found.stamp != self.voices.stamp:
            log.info("new voices: %s", ", ".join(found.known()))
            self.voices = found  # whole, in one step: a request sees the old or the new ones

    def _stay(self, problem: str) -> None:
        if problem != self.problem:
            log.error("the voices stay as they are: %s", problem)
        self.problem = problem

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.wait(self.settings.reload_seconds):
            self.look()
