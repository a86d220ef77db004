"""What the routes about speech answer beside sound, for openapi.json."""

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
