"""What the routes of the lexicon take and answer."""

from typing import Annotated, Any, Literal

from pydantic import Field

from server.checking import Body
from server.shapes import Shape
from speech.lexicon import EVERYBODY

Word = Annotated[str, Field(min_length=1, max_length=100)]


class EntryBody(Body):
    """POST /v1/lexicon, and PUT of an entry; without `member` it is every member's."""

    written: Word
    spoken: str = Field(min_length=1, max_length=200)
    aliases: list[Word] = Field(default=[], max_length=20)
    part_of_speech: str = Field(default="", max_length=40)
    priority: int = Field(default=0, ge=-1_000, le=1_000)
    whole_word: bool = False
    member: int = Field(default=EVERYBODY, ge=EVERYBODY, le=999_999_999)


class ImportBody(Body):
    """POST /v1/lexicon/import: all of them or none; with `replace` all others go."""

    entries: list[dict[str, Any]]
    replace: bool = False


class ImportFileBody(Body):
    """POST /v1/lexicon/import as a form, beside its file, CSV or JSON."""

    replace: bool = False


class LexiconQuery(Body):
    """GET /v1/lexicon; `written` is how the words begin, `after` the last page's `next`."""

    member: int | None = Field(default=None, ge=EVERYBODY)
    written: str = Field(default="", max_length=100)
    after: str | None = Field(default=None, max_length=36)
    limit: int = Field(default=100, ge=1, le=1_000)


class ExportQuery(Body):
    """GET /v1/lexicon/export."""

    format: Literal["json", "csv"] = "json"


class EntryShape(Shape):
    """An entry; `member` 0 is every member."""

    id: str
    object: Literal["lexicon_entry"]
    written: str
    spoken: str
    aliases: list[str]
    part_of_speech: str
    priority: int
    whole_word: bool
    member: int
    created_at: str
    changed_at: str


class LexiconShape(Shape):
    """A page of entries; `version` rises with every change."""

    object: Literal["list"]
    data: list[EntryShape]
    has_more: bool
    next: str | None
    version: int


class ImportedShape(Shape):
    """What an import has done."""

    created: int
    changed: int
    removed: int
    version: int


class ExportShape(Shape):
    """All entries, as an import takes them."""

    entries: list[dict[str, Any]]
