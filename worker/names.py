"""Names that a request gives, written into its transcript where something sounds like them."""

from functools import cache
from typing import Any

from speech.korean.reader import Reader
from speech.repair import Entry, repair
from speech.transcript import Transcript
from speech.words import written_language


def with_names(
    transcript: Transcript, names: list[dict[str, Any]]
) -> tuple[Transcript, list[dict[str, Any]]]:
    """The transcript with `names` as they are written, and warnings: only Korean is compared by its sounds."""
    if not names or not transcript.segments:
        return transcript, []
    if written_language(transcript) != "ko":
        return transcript, [{"code": "names_need_korean", "found": transcript.language}]
    entries = (Entry(name["written"], tuple(name.get("spoken", ()))) for name in names)
    return repair(transcript, entries, _said), []


def _said(text: str) -> str:
    return _reader().read(text).reading


@cache
def _reader() -> Reader:
    """The sound rules, loaded when the first names are asked for."""
    return Reader()
