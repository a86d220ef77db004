"""From what a request says to the job it asks for."""

import hashlib
import json
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any

from server.form_body import FormFile
from speech.errors import InvalidRequest, TooLarge
from speech.jobs import LANE_OF, NewJob
from speech.keys import Once


@dataclass(frozen=True)
class Order:
    """A job that is to be made: its row, the file that belongs to it, and what makes it once only."""

    new: NewJob
    file: FormFile | None = None
    children: list[NewJob] = field(default_factory=list)
    once: Once | None = None
    stream: bool = False  # the caller wants to read while it runs

    def fingerprint(self) -> str:
        """SHA-256 of what is asked, hex: two requests that mean the same have the same."""
        told = [_meaning(new) for new in (self.new, *self.children)]
        text = json.dumps([told, self.file.sha256 if self.file else None], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def order_for(
    kind: Any, request: dict[str, Any], place: dict[str, Any] | None = None, **fields: Any
) -> NewJob:
    """A NewJob of `kind` on its lane; `place` is its input."""
    return NewJob(kind=kind, lane=LANE_OF[kind], request=request, input=place, **fields)


def check_spoken(text: str, limit: int, param: str) -> None:
    """Refuse a text with nothing in it, or too much. Raises InvalidRequest("empty_text"), TooLarge("text_too_long")."""
    if all(unicodedata.category(c)[0] in "ZC" for c in text):
        raise InvalidRequest("empty_text", param=param)
    # Counted composed: the same Hangul from macOS has up to three times the code points.
    length = len(unicodedata.normalize("NFC", text))
    if length > limit:
        raise TooLarge("text_too_long", param=param, limit=limit, given=length)


def _meaning(new: NewJob) -> dict[str, Any]:
    return {
        "kind": new.kind,
        "request": new.request,
        "input": new.input,
        "outputs": new.outputs,
        "priority": new.priority,
        "ttl": new.ttl,
        "overwrite": new.overwrite,
    }


def with_input(new: NewJob, place: dict[str, Any]) -> NewJob:
    """The same job with its input in storage."""
    return replace(new, input=place)
