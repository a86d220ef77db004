"""/v1/lexicon."""

import csv
import io

import pytest

from server.lexicon_bodies import EntryShape, ImportedShape, LexiconShape
from tests.key_fixtures import new_key

GPT = {"written": "GPT-4", "spoken": "지피티 사"}


def test_an_entry_is_made_shown_changed_and_removed(client):
    made = client.post("/v1/lexicon", json=GPT | {"aliases": ["gpt4"], "priority": 3})
    assert made.status_code == 201
    entry = EntryShape.model_validate(made.json)
    path = f"/v1/lexicon/{entry.id}"
    assert client.get(path).json == made.json
    changed = client.put(path, json=GPT | {"spoken": "지피티 포"}).json
    assert (changed["spoken"], changed["aliases"], changed["id"]) == ("지피티 포", [], entry.id)
    page = client.get("/v1/lexicon").json
    LexiconShape.model_validate(page)
    assert (page["data"], page["version"], page["has_more"]) == ([changed], 2, False)
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == client.delete(path).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"written": ""}, 400, "too_few", "written"),
        ({"written": "a" * 101}, 413, "too_many", "written"),
        ({"spoken": "  "}, 400, "empty_text", "spoken"),
        ({"aliases": ["a"] * 21}, 413, "too_many", "aliases"),
        ({"member": 9}, 400, "unknown_voice", "member"),
        ({"priority": 1_001}, 400, "out_of_range", "priority"),
        ({"whole_word": 1}, 400, "wrong_type", "whole_word"),
        ({"colour": 1}, 400, "unknown_field", "colour"),
    ],
)
def test_what_is_no_entry_is_refused(client, fields, status, code, param):
    answer = client.post("/v1/lexicon", json=GPT | fields)
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)


def test_a_word_has_one_entry(client):
    assert client.post("/v1/lexicon", json=GPT).status_code == 201
    answer = client.post("/v1/lexicon", json=GPT)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "entry_exists")
    assert client.post("/v1/lexicon", json=GPT | {"member": 1}).status_code == 201


def test_pages(client):
    for number in range(3):
        client.post("/v1/lexicon", json=GPT | {"written": f"낱말{number}"})
    first = client.get("/v1/lexicon?limit=2").json
    assert first["has_more"] and first["next"] == first["data"][-1]["id"]
    rest = client.get(f"/v1/lexicon?limit=2&after={first['next']}").json
    assert [one["written"] for one in rest["data"]] == ["낱말2"]
    assert client.get("/v1/lexicon?limit=0").json["error"]["code"] == "out_of_range"
    assert client.get("/v1/lexicon?limit=1&limit=2").json["error"]["code"] == "field_twice"


@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_was_exported_can_be_imported(client, form):
    client.post("/v1/lexicon", json=GPT | {"aliases": ["gpt4", "GPT 4"], "whole_word": True})
    client.post(
        "/v1/lexicon", json={"written": "가, 나", "spoken": "쉼표", "member": 2, "priority": -5}
    )
    answer = client.get(f"/v1/lexicon/export?format={form}")
    before = client.get("/v1/lexicon").json["data"]
    for entry in before:
        client.delete(f"/v1/lexicon/{entry['id']}")
    file = (io.BytesIO(answer.data), f"lexicon.{form}")
    done = client.post("/v1/lexicon/import", data={"file": file}).json
    ImportedShape.model_validate(done)
    assert (done["created"], done["changed"], done["removed"]) == (2, 0, 0)
    after = client.get("/v1/lexicon").json["data"]
    own = ("id", "created_at", "changed_at")
    assert [{k: v for k, v in one.items() if k not in own} for one in after] == [
        {k: v for k, v in one.items() if k not in own} for one in before
    ]


def test_csv_is_what_spreadsheets_read(client):
    client.post("/v1/lexicon", json=GPT)
    answer = client.get("/v1/lexicon/export?format=csv")
    assert answer.data.startswith(b"\xef\xbb\xbf") and answer.mimetype == "text/csv"
    (row,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (row["written"], row["spoken"]) == ("GPT-4", "지피티 사")


def test_an_import_takes_all_or_nothing_and_names_what_is_wrong(client):
    answer = client.post("/v1/lexicon/import", json={"entries": [GPT, {"written": "AI"}]})
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400,
        "missing_field",
        "entries.1.spoken",
    )
    file = (io.BytesIO("written,spoken\nAI,지능\nBTS,\n".encode()), "a.csv")
    error = client.post("/v1/lexicon/import", data={"file": file}).json["error"]
    assert (error["code"], error["param"]) == ("missing_field", "line 3.spoken")
    assert client.get("/v1/lexicon").json["data"] == []


def test_an_import_may_replace_everything(client):
    client.post("/v1/lexicon", json=GPT)
    body = {"entries": [{"written": "AI", "spoken": "지능"}], "replace": True}
    done = client.post("/v1/lexicon/import", json=body).json
    assert (done["created"], done["removed"]) == (1, 1)
    assert [one["written"] for one in client.get("/v1/lexicon").json["data"]] == ["AI"]


def test_what_is_no_text_is_refused(client):
    file = (io.BytesIO(b"\xff\xfe\x00"), "a.csv")
    assert (
        client.post("/v1/lexicon/import", data={"file": file}).json["error"]["code"] == "bad_text"
    )
    assert (
        client.post("/v1/lexicon/import", data={"replace": "true"}).json["error"]["code"]
        == "missing_field"
    )


def test_who_reads_may_not_edit_and_a_members_key_edits_its_own(served, client):
    _, reader = new_key(served, "read")
    _, editor = new_key(served, "edit", "read", members=(2,))
    assert client.get("/v1/lexicon", headers=reader).status_code == 200
    assert (
        client.post("/v1/lexicon", json=GPT, headers=reader).json["error"]["code"]
        == "scope_missing"
    )
    refused = client.post("/v1/lexicon", json=GPT, headers=editor)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "member_not_allowed")
    mine = client.post("/v1/lexicon", json=GPT | {"member": 2}, headers=editor)
    assert mine.status_code == 201
    body = {"entries": [], "replace": True}
    assert client.post("/v1/lexicon/import", json=body, headers=editor).status_code == 403
