"""openapi.json, /docs, and docs/api.md say what the code does."""

import json
import re
from pathlib import Path

from server.openapi import older, path_of

DOCS = Path(__file__).parents[1] / "docs" / "api.md"
SHOWN = {"get", "post", "delete", "put", "patch"}


def routes(app):
    return {
        (method.lower(), path_of(rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_in_the_contract_and_the_contract_holds_nothing_else(served, client):
    paths = client.get("/openapi.json").json["paths"]
    told = {(method, path) for path, methods in paths.items() for method in methods}
    assert told == routes(served.app)
    assert len(told) > 20


def test_every_operation_says_what_it_does_takes_and_answers(client):
    contract = client.get("/openapi.json").json
    names = [
        one["operationId"] for methods in contract["paths"].values() for one in methods.values()
    ]
    assert len(names) == len(set(names))
    for path, methods in contract["paths"].items():
        for method, operation in methods.items():
            assert len(operation["summary"]) > 10 or path.startswith("/files/"), path
            assert len(operation["responses"]) > 1 or path.startswith("/files/"), path
            takes_body = method in {"post", "put"} and not path.endswith(("/retry", "/revoke"))
            assert ("requestBody" in operation) == takes_body, path
            in_path = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            assert in_path == sorted(re.findall(r"{(\w+)}", path))


def test_every_operation_says_which_scope_it_needs_or_is_open(served, client):
    contract = client.get("/openapi.json").json
    assert contract["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for rule in served.app.url_map.iter_rules():
        told = served.app.view_functions[rule.endpoint].told
        for method in {m.lower() for m in rule.methods} & SHOWN:
            operation = contract["paths"][path_of(rule)][method]
            assert operation.get("security", []) == ([] if told.open else [{"key": []}])
            assert all(scope in operation.get("description", "") for scope in told.scopes)


def test_every_reference_leads_somewhere(client):
    contract = client.get("/openapi.json").json
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(contract)))
    assert names and names <= set(contract["components"]["schemas"])


def test_the_schemas_are_in_the_dialect_of_openapi_3_0(client):
    text = client.get("/openapi.json").text
    assert client.get("/openapi.json").json["openapi"] == "3.0.3"
    assert '"type":"null"' not in text and '"const"' not in text and "$defs" not in text
    assert older({"anyOf": [{"type": "string"}, {"type": "null"}]}) == {
        "nullable": True,
        "type": "string",
    }
    assert older({"exclusiveMinimum": 0}) == {"minimum": 0, "exclusiveMinimum": True}


def test_the_docs_page_needs_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.mimetype == "text/html"
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 3
    for link in links:
        with client.get(link) as answer:
            assert answer.status_code == 200
    assert "//" not in page.text.replace("<!", "")
    assert client.get("/docs/swagger-ui.js.map").status_code == 404


def test_docs_api_md_has_every_route_with_a_curl_and_no_other(served):
    text = DOCS.read_text("utf-8")
    documented = set(re.findall(r"^### `([A-Z]+) (/[^`]*)`", text, re.MULTILINE))
    assert {(m.lower(), p) for m, p in documented} == routes(served.app)
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        heading = section.splitlines()[0]
        assert section.count("curl ") == 1, heading
