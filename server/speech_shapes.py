"""What the routes about speech answer beside sound, for openapi.json."""

from pydantic import Field

from server.shapes import Shape


class ChangeShape(Shape):
    """What is said otherwise than it is written: characters [start, end) of the text, by a rule."""

    start: int
    end: int
    from_: str = Field(alias="from")
    to: str
    rule: str


class PreviewShape(Shape):
    """What would be said; `unknown` are characters without a sound."""

    normalized: str
    reading: str
    changes: list[ChangeShape]
    unknown: list[str]
    seconds: float
    cached: bool
