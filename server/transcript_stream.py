"""stream=true: OpenAI's transcript events, a delta for each segment as soon as it is decoded.

https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event
"""

import json
from collections.abc import Iterator
from typing import Any

from flask import Response

from server.errors import JobFailed, error_body
from server.following import Following, answered
from server.service import Service
from server.transcripts import text_of
from speech.errors import Language, SpeechError
from speech.jobs import Job


def streamed(service: Service, job: Job) -> Response:
    """The events of a transcription that runs; see following.answered."""
    return answered(TranscriptStream, service, job)


class TranscriptStream(Following[str]):
    """Follows a job and, where it was cut into parts, these in order.

    An attempt that begins anew decodes the same segments again: they are counted and not sent twice.
    """

    comment = ": still here\n\n"

    def __init__(self, service: Service, job: Job, to: Language, client: Any = None) -> None:
        super().__init__(service, job, to, client)
        self._part, self._read = 0, 0  # the source that is read, and how many of its segments were
        self._sent = ""

    def news(self) -> Iterator[str]:
        """A delta for each segment that is new."""
        store, job = self.service.store, self.job
        sources = store.children(job.id) if job.children["total"] else [job]
        for source in sources[self._part :]:
            for number, data in store.pieces(source, self._read - 1):
                self._read = number + 1
                yield self._delta(data["text"])
            if source.state != "succeeded" or source is job:
                return
            self._part, self._read = self._part + 1, 0

    def end(self) -> Iterator[str]:
        """What is left of the text, then all of it."""
        whole = text_of(self.service, self.job)
        if whole.startswith(self._sent) and len(whole) > len(self._sent):
            yield self._delta(whole[len(self._sent) :])
        yield event("transcript.text.done", {"type": "transcript.text.done", "text": whole})

    def told(self, error: SpeechError | JobFailed) -> str:
        """An event of its own."""
        return event("error", error_body(error, self.to))

    def _delta(self, text: str) -> str:
        text = text if self._sent else text.lstrip()
        self._sent += text
        return event("transcript.text.delta", {"type": "transcript.text.delta", "delta": text})


def event(name: str, data: dict[str, Any]) -> str:
    """A server-sent event; JSON has no raw line breaks, so one data line is enough."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
