"""Every error of the service, as one tree.

SpeechError
├── InvalidRequest          the caller can mend it: a field, a value, a size
│   ├── NotFound            no such job, voice, artifact
│   │   └── Gone            there was one, and its time is over
│   ├── Unauthorized        no key, or none that is good
│   ├── Forbidden           a good key that may not do this
│   ├── Conflict            the state or another request stands in the way
│   ├── TooLarge            a body, text or recording over a stated limit
│   └── BadMedia            the file is not audio that can be read
├── LimitReached            a limit of the caller's key; `seconds` tells when it has room again
├── Busy                    a cap is reached; try again soon
├── Unavailable             store, storage, broker or a worker cannot be reached
│   └── StorageUnavailable
├── TimedOut                the wait ended before the job did; the job goes on
└── Internal                ours to mend: a broken voice, a lost worker

Control flow of an attempt (never shown to a caller): Cancelled, LeaseLost.
"""

from typing import Any, Literal

from speech.messages import say

Language = Literal["en", "ko"]


class SpeechError(Exception):
    """An error with a stable code; its sentence comes from speech/messages.json in two languages."""

    def __init__(self, code: str, *, param: str | None = None, **fields: Any) -> None:
        self.code = code
        self.param = param  # the request field at fault, as the caller spelled it
        self.fields = fields  # what the sentence's blanks are filled with; must be JSON
        super().__init__(self.message())

    def message(self, language: Language = "en") -> str:
        """The sentence for people, in English or Korean."""
        return say(self.code, language, param=self.param, **self.fields)


class InvalidRequest(SpeechError):
    """The request cannot be done as asked; the sentence says what is allowed."""


class NotFound(InvalidRequest):
    """There is no such thing, or it is not yours."""


class Gone(NotFound):
    """There was such a thing, and it was erased or its time is over."""


class Unauthorized(InvalidRequest):
    """No key, or none that is good."""


class Forbidden(InvalidRequest):
    """The key is good, and may not do this."""


class Conflict(InvalidRequest):
    """Another request, or the job's state, stands in the way."""


class TooLarge(InvalidRequest):
    """Over a stated limit."""


class BadMedia(InvalidRequest):
    """Not a recording that can be read."""


class LimitReached(SpeechError):
    """A limit of the caller's key; the field `seconds` says when it has room again."""


class Busy(SpeechError):
    """A cap is reached; the same request works later."""


class Unavailable(SpeechError):
    """A part that is needed cannot be reached just now."""


class StorageUnavailable(Unavailable):
    """The artifact storage does not answer; costs a job no attempt."""


class TimedOut(SpeechError):
    """The wait ended, the job goes on."""


class Internal(SpeechError):
    """Ours to mend."""


class Cancelled(Exception):
    """The job was cancelled while it ran; raised at the next check, never shown."""


class LeaseLost(Exception):
    """A newer attempt stands; this one stops and writes nothing more."""
