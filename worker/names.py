"""Names that a request or its tenant's lexicon gives, written into a transcript where something sounds like them."""

from functools import cache
from typing import Any

from speech.korean.reader import Reader
from speech.repair import Entry, repair
from speech.transcript import Transcript
from speech.words import written_language
from worker.attempt import Attempt

Names = list[dict[str, Any]]


def names_of(attempt: Attempt) -> Names:
    """The request's own `names`, and the lexicon's where the request does not say `lexicon: false`."""
    request = attempt.job.request
    given: Names = request.get("names") or []
    if attempt.job.kind != "transcription" or request.get("lexicon") is False:
        return given
    known = ({"written": one.written, "spoken": [one.spoken]} for one in attempt.entries())
    return [*given, *known]


def with_names(transcript: Transcript, names: Names) -> Transcript:
    """The transcript with `names` as they are written; only Korean is compared by its sounds."""
    if not names or not transcript.segments or written_language(transcript) != "ko":
        return transcript
    entries = (Entry(name["written"], tuple(name.get("spoken", ()))) for name in names)
    return repair(transcript, entries, said)


def said(text: str) -> str:
    """How a Korean text is said, in Hangul."""
    return _reader().read(text).reading


@cache
def _reader() -> Reader:
    """The sound rules, loaded when the first names are asked for."""
    return Reader()
