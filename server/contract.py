"""What a route says of itself, for openapi.json: bodies, parameters and answers, beside the code that keeps it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
JSON, FORM, BYTES = "application/json", "multipart/form-data", "application/octet-stream"


@dataclass(frozen=True)
class Told:
    """`body` by media type, without a model for BYTES; `answers` by status: a model, or a media type.

    `makes_job` takes our headers. `scope`: a key needs it, or one of them. `open`: no key is asked for. A route
    that says neither is shut.
    """

    body: dict[str, tuple[type[BaseModel], ...]] = field(default_factory=dict)
    query: type[BaseModel] | None = None
    answers: dict[int, type[BaseModel] | str] = field(default_factory=dict)
    makes_job: bool = False
    waits: bool = False
    scope: str | tuple[str, ...] = ()
    open: bool = False

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of which a key needs one."""
        return (self.scope,) if isinstance(self.scope, str) else self.scope


def tells(told: Told) -> Callable[[View], View]:
    """Attach what a route says of itself to its view; the view's docstring is its summary."""

    def mark(view: View) -> View:
        view.told = told  # type: ignore[attr-defined]
        return view

    return mark
