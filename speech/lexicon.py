"""A tenant's lexicon: how a word is written and how it is said, for one member or for all.

Speech says `spoken` for `written` and each of its `aliases`; transcription can listen for `written` and write it
where it hears `spoken`.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from speech.errors import InvalidRequest

EVERYBODY = 0  # the member of an entry that holds for all
BETWEEN = "|"  # aliases in a cell of CSV
_KIND = "entry:"  # how a change names the entry that made it


@dataclass(frozen=True)
class NewEntry:
    """What is said for a word; of entries that match at one place the higher `priority` wins, then the longer word."""

    written: str
    spoken: str
    aliases: tuple[str, ...] = ()  # other ways to write it
    part_of_speech: str = ""
    priority: int = 0
    whole_word: bool = False  # not as a part of another word; particles may follow
    member: int = EVERYBODY


@dataclass(frozen=True)
class Entry(NewEntry):
    """An entry of the store; times are seconds since 1970."""

    id: str = ""
    created: float = 0.0
    changed: float = 0.0


FIELDS = tuple(field.name for field in fields(NewEntry))


def kind_of(entry: Entry) -> str:
    """What a change is called that an entry made."""
    return _KIND + entry.id


def entry_of(kind: str) -> str | None:
    """The id of the entry that made a change of this kind; None for a rule."""
    return kind.removeprefix(_KIND) if kind.startswith(_KIND) else None


def to_csv(entries: Iterable[NewEntry]) -> str:
    """Entries as CSV (RFC 4180) with a header."""
    file = io.StringIO()
    rows = csv.DictWriter(file, FIELDS, extrasaction="ignore")
    rows.writeheader()
    for entry in entries:
        told = asdict(entry)
        shown = {"aliases": BETWEEN.join(entry.aliases), "whole_word": int(entry.whole_word)}
        rows.writerow(told | shown)
    return file.getvalue()


def from_csv(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, fields) of each row; a column that is missing or empty is left out.

    Raises InvalidRequest("lexicon_csv"), which names the line.
    """
    rows = csv.DictReader(io.StringIO(text), strict=True)
    try:
        unknown = set(rows.fieldnames or ()) - set(FIELDS)
        if unknown or "written" not in (rows.fieldnames or ()):
            raise InvalidRequest(
                "lexicon_csv", line=1, reason=f"the columns are {', '.join(FIELDS)}"
            )
        for row in rows:
            if None in row:
                raise InvalidRequest("lexicon_csv", line=rows.line_num, reason="too many cells")
            yield rows.line_num, _cells(row, rows.line_num)
    except csv.Error as error:
        raise InvalidRequest("lexicon_csv", line=rows.line_num, reason=str(error)) from None


def _cells(row: dict[str, str | None], line: int) -> dict[str, Any]:
    given: dict[str, Any] = {name: cell for name, cell in row.items() if cell}
    try:
        if "aliases" in given:
            given["aliases"] = [one for one in given["aliases"].split(BETWEEN) if one.strip()]
        for name in {"priority", "member"} & given.keys():
            given[name] = int(given[name])
        if "whole_word" in given:
            given["whole_word"] = {"0": False, "1": True, "false": False, "true": True}[
                given["whole_word"].lower()
            ]
    except (ValueError, KeyError) as error:
        raise InvalidRequest("lexicon_csv", line=line, reason=f"{error} does not fit") from None
    return given
