"""What the routes of corrections take and answer."""

from typing import Literal

from pydantic import Field

from server.checking import Body
from server.shapes import Shape

Decision = Literal["accepted", "rejected"]
CorrectionState = Literal["proposed", "accepted", "rejected"]


class CorrectionBody(Body):
    """POST /v1/transcripts/{job_id}/corrections: a new text for the words [first, last]; an empty one removes them."""

    first: int = Field(ge=0)
    last: int = Field(ge=0)
    text: str = Field(max_length=2_000)
    version: int | None = Field(default=None, ge=0)
    by: str | None = Field(default=None, min_length=1, max_length=100)


class DecisionBody(Body):
    """POST /v1/transcripts/{job_id}/corrections/{correction_id}."""

    state: Decision
    by: str | None = Field(default=None, min_length=1, max_length=100)


class CorrectionsQuery(Body):
    """GET /v1/transcripts/{job_id}/corrections; `after` is the last page's `next`."""

    state: CorrectionState | None = None
    after: str | None = Field(default=None, max_length=36)
    limit: int = Field(default=100, ge=1, le=200)


class ChangeShape(Shape):
    """Words that differ between two texts."""

    op: Literal["replace", "delete", "insert"]
    before: str
    after: str


class CorrectionShape(Shape):
    """A correction of the words [first, last]; `base` is the version it was written against."""

    id: str
    object: Literal["correction"]
    transcript: str
    first: int
    last: int
    start: float
    end: float
    before: str
    after: str
    diff: list[ChangeShape]
    base: int
    state: CorrectionState
    version: int | None
    proposed_by: str
    created_at: str
    decided_by: str | None
    decided_at: str | None


class CorrectionListShape(Shape):
    """A page of corrections, in the order they came in."""

    object: Literal["list"]
    data: list[CorrectionShape]
    has_more: bool
    next: str | None


class VersionShape(Shape):
    """A version of a transcript: who made it when, and what changed; 0 is as it was heard."""

    version: int
    at: str | None
    by: str | None
    correction: str | None
    diff: list[ChangeShape]


class VersionListShape(Shape):
    """All versions, the oldest first."""

    object: Literal["list"]
    data: list[VersionShape]


class PairShape(Shape):
    """What was heard, how it is written, and how often that was accepted."""

    heard: str
    written: str
    times: int


class PairListShape(Shape):
    """Pairs for a lexicon, the most frequent first."""

    object: Literal["list"]
    data: list[PairShape]
