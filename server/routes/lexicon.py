"""/v1/lexicon: how words are said, for all members of a tenant or for one."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from server.caller import caller
from server.checking import check
from server.contract import FORM, JSON, Told, tells
from server.form_body import is_form, read_form
from server.json_body import check_text, parse, read_json
from server.lexicon_bodies import (
    EntryBody,
    EntryShape,
    ExportQuery,
    ExportShape,
    ImportBody,
    ImportedShape,
    ImportFileBody,
    LexiconQuery,
    LexiconShape,
)
from server.service import here, tenant
from speech import lexicon_rows
from speech.errors import InvalidRequest, SpeechError, TooLarge
from speech.jobs import rfc3339
from speech.lexicon import EVERYBODY, FIELDS, Entry, NewEntry, from_csv, to_csv

routes = Blueprint("lexicon", __name__)


@routes.post("/v1/lexicon")
@tells(Told(body={JSON: (EntryBody,)}, answers={201: EntryShape}, scope="edit"))
def create() -> tuple[Response, int]:
    """Make an entry; 409 when there is one for the word and member."""
    service, new = here(), _new(read_json(here().settings.json_max_bytes))
    with service.store.writing() as tx:
        made = lexicon_rows.add(tx, tenant(), new, service.settings.lexicon_max_entries)
    return jsonify(_entry(made)), 201


@routes.get("/v1/lexicon")
@tells(Told(query=LexiconQuery, answers={200: LexiconShape}, scope="read"))
def listed() -> Response:
    """List entries by their words, a page at a time."""
    query = _query(LexiconQuery)
    with here().store.db.read() as connection:
        version = lexicon_rows.version(connection, tenant())
        found = lexicon_rows.page(
            connection, tenant(), member=query.member, written=query.written, after=query.after,
            limit=query.limit + 1,
        )  # fmt: skip
    more, data = len(found) > query.limit, found[: query.limit]
    following = data[-1].id if more else None
    shown = {"object": "list", "data": [_entry(one) for one in data], "has_more": more}
    return jsonify(shown | {"next": following, "version": version})


@routes.get("/v1/lexicon/<entry_id>")
@tells(Told(answers={200: EntryShape}, scope="read"))
def show(entry_id: str) -> Response:
    """Show one entry."""
    with here().store.db.read() as connection:
        return jsonify(_entry(lexicon_rows.one(connection, tenant(), _id(entry_id))))


@routes.put("/v1/lexicon/<entry_id>")
@tells(Told(body={JSON: (EntryBody,)}, answers={200: EntryShape}, scope="edit"))
def change(entry_id: str) -> Response:
    """Replace one entry."""
    service, new = here(), _new(read_json(here().settings.json_max_bytes))
    with service.store.writing() as tx:
        _need(lexicon_rows.one(tx.connection, tenant(), _id(entry_id)).member)
        return jsonify(_entry(lexicon_rows.change(tx, tenant(), _id(entry_id), new)))


@routes.delete("/v1/lexicon/<entry_id>")
@tells(Told(answers={204: "none"}, scope="edit"))
def remove(entry_id: str) -> Response:
    """Remove one entry."""
    with here().store.writing() as tx:
        _need(lexicon_rows.one(tx.connection, tenant(), _id(entry_id)).member)
        lexicon_rows.remove(tx, tenant(), _id(entry_id))
    return Response(status=204)


@routes.post("/v1/lexicon/import")
@tells(
    Told(
        body={JSON: (ImportBody,), FORM: (ImportFileBody,)},
        answers={200: ImportedShape},
        scope="edit",
    )
)
def take() -> Response:
    """Take many entries, all or none; one with the word and member of another takes its place."""
    service = here()
    rows, replace = _given()
    most = service.settings.lexicon_max_entries
    if len(rows) > most:
        raise TooLarge("lexicon_full", param="entries", limit=most)
    new = [_named(place, row) for place, row in rows]
    if replace:
        _need(EVERYBODY)
    with service.store.writing() as tx:
        done = lexicon_rows.take(tx, tenant(), new, most, replace)
        return jsonify(done | {"version": lexicon_rows.version(tx.connection, tenant())})


@routes.get("/v1/lexicon/export")
@tells(Told(query=ExportQuery, answers={200: ExportShape}, scope="read"))
def export() -> Response:
    """All entries as a file that import takes, JSON or CSV."""
    query = _query(ExportQuery)
    with here().store.db.read() as connection:
        found = lexicon_rows.page(connection, tenant())
    if query.format == "json":
        response = jsonify({"entries": [_fields(one) for one in found]})
    else:
        # With the mark of UTF-8, by which spreadsheets know that it is that.
        response = Response("\ufeff" + to_csv(found), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f"attachment; filename=lexicon.{query.format}"
    return response


def _given() -> tuple[list[tuple[str, dict[str, Any]]], bool]:
    """The entries of an import, each with what an error calls it."""
    if not is_form():
        body = check(ImportBody, read_json(here().settings.json_max_bytes))
        return _numbered(body.entries), body.replace
    form = read_form(here().settings.form_limit, frozenset())
    replace = check(ImportFileBody, form.fields, strings=True).replace
    if form.file is None:
        raise InvalidRequest("missing_field", param="file")
    text = _text(form.file.path.read_bytes())
    if text.lstrip().startswith(("{", "[")):
        return _numbered(check(ImportBody, parse(text.encode())).entries), replace
    return [(f"line {line}", row) for line, row in from_csv(text)], replace


def _numbered(rows: Iterable[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"entries.{number}", row) for number, row in enumerate(rows)]


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest("bad_text", param="file") from None
    check_text(text, "file")
    return text


def _named(place: str, row: dict[str, Any]) -> NewEntry:
    try:
        return _new(row)
    except SpeechError as error:
        error.param = f"{place}.{error.param}"
        raise


def _new(row: dict[str, Any]) -> NewEntry:
    body = check(EntryBody, row)
    for name in ("written", "spoken"):
        if not getattr(body, name).strip():
            raise InvalidRequest("empty_text", param=name)
    if body.member != EVERYBODY:
        here().voices.by_member(body.member, "member")
    _need(body.member)
    return NewEntry(**body.model_dump() | {"aliases": tuple(body.aliases)})


def _need(member: int) -> None:
    """A key for some members changes what these say, not what all say."""
    caller().need_member(member, "member")


def _id(given: str) -> str:
    return given[:36].replace("\0", "")


def _query(model: type[Any]) -> Any:
    return check(model, dict(_once(request.args.lists())), strings=True)


def _once(pairs: Iterable[tuple[str, list[str]]]) -> Iterator[tuple[str, str]]:
    for name, values in pairs:
        if len(values) > 1:
            raise InvalidRequest("field_twice", param=name)
        check_text(values[0], name)
        yield name, values[0]


def _entry(entry: Entry) -> dict[str, Any]:
    times = {"created_at": rfc3339(entry.created), "changed_at": rfc3339(entry.changed)}
    return {"id": entry.id, "object": "lexicon_entry", **_fields(entry), **times}


def _fields(entry: Entry) -> dict[str, Any]:
    told = asdict(entry) | {"aliases": list(entry.aliases)}
    return {name: told[name] for name in FIELDS}
