"""What the routes about speech answer beside sound, for openapi.json."""

from typing import Literal

from pydantic import Field

from server.shapes import Shape


class ReadingChangeShape(Shape):
    """What characters [start, end) of the text are said as, by a rule or an entry of the lexicon."""

    start: int
    end: int
    from_: str = Field(alias="from")
    to: str
    rule: str | None = None
    entry: str | None = None


class PreviewShape(Shape):
    """What would be said; `unknown` are characters without a sound."""

    normalized: str
    reading: str
    changes: list[ReadingChangeShape]
    unknown: list[str]
    seconds: float
    cached: bool


class VersionShape(Shape):
    """A version of a voice; `files` are SHA-256 by role, `consent` is as the manifest has it."""

    member: int
    version: str
    slug: str
    name: str
    files: dict[str, str | None]
    consent: dict[str, str]
    seen_at: str
    revoked_at: str | None


class LedgerShape(Shape):
    """Every version ever loaded."""

    object: Literal["list"]
    data: list[VersionShape]


class RevokedShape(Shape):
    """What a revocation has done; `failed` are objects that could not be removed yet."""

    member: int
    jobs_cancelled: int
    jobs_running: list[str]
    jobs_emptied: int
    cached_removed: int
    places_removed: int
    failed: list[str]
