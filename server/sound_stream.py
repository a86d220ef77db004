"""stream_format: a text's sound while it is spoken, raw or as OpenAI's events, sentence by sentence.

https://platform.openai.com/docs/api-reference/audio/speech-audio-delta-event

A worker stores what its encoder has made of each sentence under its attempt. An attempt that begins anew makes the
same pieces again; those that were sent are passed over, so nothing is heard twice.
"""

import base64
from collections.abc import Iterator
from typing import Any

from flask import Response

from server.errors import JobFailed, error_body
from server.following import EVENTS, Following, answered
from server.service import Service
from server.speeches import artifact_of
from server.transcript_stream import event
from speech.errors import Language, NotFound, SpeechError
from speech.jobs import Job, attempt_key, piece_name
from speech.sound_types import SOUND_TYPES


def streamed(service: Service, job: Job) -> Response:
    """The sound of a job that runs, in the form that its request asks for; see following.answered."""
    if job.request["stream_format"] == "sse":
        return answered(SoundEvents, service, job, EVENTS)
    return answered(SoundStream, service, job, SOUND_TYPES[job.request["response_format"]])


class SoundStream(Following[bytes]):
    """The bytes themselves. After the first one an error can only be told by breaking off."""

    def __init__(self, service: Service, job: Job, to: Language, client: Any = None) -> None:
        super().__init__(service, job, to, client)
        self._piece, self._within = 0, 0  # the next piece, and how many of its bytes were sent

    def news(self) -> Iterator[bytes]:
        """The pieces that are new."""
        yield from self.sound()

    def end(self) -> Iterator[bytes]:
        """All of it, where the worker had nothing to make."""
        yield from self.rest()

    def told(self, error: SpeechError | JobFailed) -> bytes:
        """Raises it."""
        raise error

    def sound(self) -> Iterator[bytes]:
        """Bytes that have not been sent, as long as there are any."""
        attempt = self.job.attempt if self.job.winner is None else self.job.winner
        for number, _ in self.service.store.pieces(self.job, self._piece - 1):
            try:
                yield from self._unsent(attempt_key(self.job, piece_name(number), attempt))
            except NotFound:
                if self.job.final:
                    raise
                return  # its attempt is over; the next one makes it again
            self._piece, self._within = number + 1, 0

    def rest(self) -> Iterator[bytes]:
        """The whole file of a job that had no pieces."""
        if self._piece == 0:
            made = artifact_of(self.job, f"speech.{self.job.request['response_format']}")
            yield from self._unsent(made.key)

    def _unsent(self, key: str) -> Iterator[bytes]:
        passed = 0
        for chunk in self.service.storage.open(key):
            new = chunk[max(0, self._within - passed) :]
            passed += len(chunk)
            if new:
                self._within += len(new)
                yield new


class SoundEvents(Following[str]):
    """OpenAI's events; `usage` counts characters, as there are no tokens here."""

    comment = ": still here\n\n"

    def __init__(self, service: Service, job: Job, to: Language, client: Any = None) -> None:
        super().__init__(service, job, to, client)
        self._stream = SoundStream(service, job, to)

    def news(self) -> Iterator[str]:
        """A delta for each chunk that is new."""
        self._stream.job = self.job
        yield from map(_delta, self._stream.sound())

    def end(self) -> Iterator[str]:
        """What is left, and that it is done."""
        yield from map(_delta, self._stream.rest())
        count = len(self.job.request["input"])
        usage = {"input_tokens": count, "output_tokens": 0, "total_tokens": count}
        yield event("speech.audio.done", {"type": "speech.audio.done", "usage": usage})

    def told(self, error: SpeechError | JobFailed) -> str:
        """An event of its own."""
        return event("error", error_body(error, self.to))


def _delta(sound: bytes) -> str:
    told = {"type": "speech.audio.delta", "audio": base64.b64encode(sound).decode()}
    return event("speech.audio.delta", told)
