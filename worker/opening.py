"""The first words of a long recording, heard while the rest of it is still being decoded, for those who follow it."""

from itertools import pairwise
from pathlib import Path

from speech.media import RATE, samples
from worker.attempt import Attempt
from worker.engines import TranscribeOptions, Transcriber

SECONDS = 30  # what Whisper hears at once


class Opening:
    """Looks at the samples as they come; once they are too many for one part, hears the first of them.

    The first part of the recording says the same segments again, and who follows passes over as many as it had.
    """

    def __init__(self, attempt: Attempt, engine: Transcriber, options: TranscribeOptions) -> None:
        self.attempt, self.engine, self.options = attempt, engine, options
        self.enough = 1.5 * attempt.settings.part_seconds * RATE * 2  # bytes; worker/cuts.py
        self.over = attempt.job.priority != "interactive" or attempt.job.kind == "part"

    def look(self, target: Path) -> None:
        """Hear the opening when it is time; does so once."""
        if self.over or not target.exists() or target.stat().st_size <= self.enough:
            return
        self.over = True
        sound = samples(target, 0, SECONDS * RATE)
        speech = self.engine.speech(sound, self.options)
        heard = self.engine.transcribe(sound, self.options, speech)[1]
        for segment, _ in pairwise(heard):  # the last one may go on beyond the opening
            self.attempt.heard(segment)
            self.attempt.check()
