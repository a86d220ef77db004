"""Query strings against their pydantic model."""

from flask import request

from server.checking import Model, check
from server.json_body import check_text
from speech.errors import InvalidRequest


def read_query(model: type[Model]) -> Model:
    """The query of this request; each name stands once. Raises InvalidRequest."""
    given: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest("field_twice", param=name[:80])
        check_text(values[0], name)
        given[name] = values[0]
    return check(model, given, strings=True)
