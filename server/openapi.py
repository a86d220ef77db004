"""openapi.json from the code: the route table, what each view tells of itself, and the pydantic models.

OpenAPI 3.0.3, because the Swagger UI that ships on PyPI (4.15) does not read 3.1.
"""

import re
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from server.contract import BYTES, FORM, Told
from server.errors import STATUS, STATUS_OF_CODE
from server.shapes import ErrorShape
from server.version import VERSION
from speech.settings import Settings

HIDDEN = {"HEAD", "OPTIONS"}
_REF = "#/components/schemas/{model}"
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (mks_…) or a token made with one (mkt_…); none is asked for before the first key.",
}
_HEADERS = {
    "Idempotency-Key": "The same key with the same body finds the job of the first request.",
    "Prefer": "respond-async: 202 with the job at once.",
}


def document(app: Flask, settings: Settings) -> dict[str, Any]:
    """The whole contract."""
    paths: dict[str, dict[str, Any]] = {}
    models: set[type[BaseModel]] = {ErrorShape}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        told = getattr(view, "told", Told())
        models |= _models(told)
        for method in sorted((rule.methods or set()) - HIDDEN):
            summary = (view.__doc__ or rule.endpoint).strip().splitlines()[0]
            paths.setdefault(path_of(rule), {})[method.lower()] = _operation(rule, told, summary)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Moksori", "version": VERSION, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": settings.links_url}],
        "paths": paths,
        "components": {"schemas": _schemas(models), "securitySchemes": {"key": _KEY}},
    }


def path_of(rule: Rule) -> str:
    """A rule's path as OpenAPI writes it: /v1/jobs/{job_id}."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _models(told: Told) -> set[type[BaseModel]]:
    bodies = {model for models in told.body.values() for model in models}
    answers = {one for one in told.answers.values() if not isinstance(one, str)}
    return bodies | answers | ({told.query} if told.query else set())


def _operation(rule: Rule, told: Told, summary: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.endpoint.split(".")[0]],
        "summary": summary,
        "parameters": _parameters(rule, told),
        "responses": _responses(told),
    }
    if told.scopes:
        operation["security"] = [{"key": []}]
        operation["description"] = f"Scope: {' or '.join(told.scopes)}."
    if told.body:
        content = {media: {"schema": _body(media, models)} for media, models in told.body.items()}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(rule: Rule, told: Told) -> list[dict[str, Any]]:
    found = [_parameter(name, "path", {"type": "string"}) for name in sorted(rule.arguments)]
    if told.query:
        schema = told.query.model_json_schema()
        for name, one in schema["properties"].items():
            found.append(_parameter(name, "query", older(one)))
            if one.get("type") == "array":
                found[-1] |= {"style": "form", "explode": False}
    if told.makes_job:
        names = list(_HEADERS) if told.waits else ["Idempotency-Key"]
        found += [_parameter(n, "header", {"type": "string"}, _HEADERS[n]) for n in names]
    return found


def _parameter(name: str, place: str, schema: dict[str, Any], text: str = "") -> dict[str, Any]:
    made = {"name": name, "in": place, "required": place == "path", "schema": schema}
    return made | ({"description": text} if text else {})


def _body(media: str, models: tuple[type[BaseModel], ...]) -> dict[str, Any]:
    if media == BYTES:
        return {"type": "string", "format": "binary"}
    refs = [{"$ref": _REF.format(model=model.__name__)} for model in models]
    schema: dict[str, Any] = refs[0] if len(refs) == 1 else {"oneOf": refs}
    if media != FORM:
        return schema
    file = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
    return {"allOf": [schema, file]}


def _responses(told: Told) -> dict[str, Any]:
    found = {str(status): _answer(one) for status, one in sorted(told.answers.items())}
    statuses = {*STATUS.values(), *STATUS_OF_CODE.values()}
    error = {"application/json": {"schema": {"$ref": _REF.format(model="ErrorShape")}}}
    found["default"] = {
        "description": f"An error: {', '.join(map(str, sorted(statuses)))}",
        "content": error,
    }
    return found


def _answer(one: type[BaseModel] | str) -> dict[str, Any]:
    if one == "none":
        return {"description": "Nothing"}
    if isinstance(one, str):
        binary = {"type": "string", "format": "binary"} if one == "audio/*" else {"type": "string"}
        return {"description": one, "content": {one: {"schema": binary}}}
    schema = {"$ref": _REF.format(model=one.__name__)}
    return {
        "description": (one.__doc__ or "").strip().splitlines()[0],
        "content": {"application/json": {"schema": schema}},
    }


def _schemas(models: set[type[BaseModel]]) -> dict[str, Any]:
    ordered = sorted(models, key=lambda model: model.__name__)
    _, made = models_json_schema([(m, "validation") for m in ordered], ref_template=_REF)
    return {name: older(schema) for name, schema in sorted(made["$defs"].items())}


def older(schema: Any) -> Any:
    """A JSON Schema of 2020-12 in the dialect of OpenAPI 3.0: null, const and bounds were written otherwise."""
    if isinstance(schema, list):
        return [older(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: older(value) for key, value in schema.items() if key != "title"}
    if "const" in made:
        made["enum"] = [made.pop("const")]
    for name, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if name in made:
            made[plain], made[name] = made[name], True
    kinds = made.get("anyOf")
    if kinds and {"type": "null"} in kinds:
        left = [one for one in kinds if one != {"type": "null"}]
        del made["anyOf"]
        made |= {"nullable": True} | (left[0] if len(left) == 1 else {"anyOf": left})
        if "$ref" in made:
            made["allOf"] = [{"$ref": made.pop("$ref")}]
    return made
