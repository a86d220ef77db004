"""Input against its pydantic model; what is wrong becomes one error that names the field and what is allowed."""

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from speech.errors import InvalidRequest, TooLarge

EXPECTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
NOT_YET = frozenset(
    "webhook instructions include keywords timestamps lexicon cache pronunciation".split()
)


class Body(BaseModel):
    """A body: nothing unknown is taken, and JSON's types are not bent (true is not 1)."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def check(model: type[Model], data: Any, *, strings: bool = False) -> Model:
    """The model of `data`; with `strings` (a form, a query) numbers and truth values are read from text.

    Raises InvalidRequest or, for a list or text that is too long, TooLarge.
    """
    try:
        if strings:
            return model.model_validate(data, strict=False)
        return model.model_validate(data)
    except ValidationError as error:
        raise _translated(model, error.errors(include_url=False, include_input=False)) from None


def _translated(model: type[BaseModel], found: list[Any]) -> InvalidRequest:
    # Unknown fields last: what is missing or wrong says more.
    first = min(found, key=lambda one: one["type"] == "extra_forbidden")
    kind, context = first["type"], first.get("ctx", {})
    param, inner = _path(first["loc"]), _model_at(model, first["loc"])
    if kind == "missing":
        return InvalidRequest("missing_field", param=param)
    if kind == "extra_forbidden":
        return _unknown(inner, param)
    if kind in EXPECTED:
        return InvalidRequest("wrong_type", param=param, expected=_expected(found, param))
    if kind == "literal_error":
        return InvalidRequest("not_one_of", param=param, allowed=_allowed(found, param))
    if kind in {"too_long", "string_too_long"}:
        return TooLarge("too_many", param=param, limit=context["max_length"])
    if kind in {"too_short", "string_too_short"}:
        return InvalidRequest("too_few", param=param, limit=context["min_length"])
    if kind.startswith(("greater_than", "less_than")):
        return InvalidRequest("out_of_range", param=param, allowed=_bounds(inner, first["loc"][-1]))
    return InvalidRequest("bad_value", param=param, reason=first["msg"])


def _unknown(model: type[BaseModel], param: str) -> InvalidRequest:
    name = param.rsplit(".", 1)[-1].removesuffix("[]")
    if name in NOT_YET:
        return InvalidRequest("field_not_supported", param=param)
    return InvalidRequest("unknown_field", param=param[:80], known=sorted(model.model_fields))


def _path(place: tuple[Any, ...]) -> str:
    """`items.3.url`, without the branch names that pydantic adds for a union."""
    words = {"str", "int", "float", "bool", "VoiceId", "ServerVad", "literal['auto']"}
    return ".".join(str(one) for one in place if one not in words) or "body"


def _expected(found: list[Any], param: str) -> str:
    kinds = [
        EXPECTED[e["type"]] for e in found if _path(e["loc"]) == param and e["type"] in EXPECTED
    ]
    return " or ".join(dict.fromkeys(kinds))


def _allowed(found: list[Any], param: str) -> str:
    return next(
        e["ctx"]["expected"].replace(" or ", ", ").replace("'", "")
        for e in found
        if _path(e["loc"]) == param and e["type"] == "literal_error"
    )


def _model_at(model: type[BaseModel], place: tuple[Any, ...]) -> type[BaseModel]:
    """The model in which the last name of a place stands: a field may be a model itself."""
    for name in place[:-1]:
        field = model.model_fields.get(str(name))
        inner = (
            [one for one in get_args(field.annotation) if isinstance(one, type)] if field else []
        )
        model = next((one for one in inner if issubclass(one, BaseModel)), model)
    return model


def _bounds(model: type[BaseModel], name: Any) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    rules = model.model_fields[str(name)].metadata if name in model.model_fields else []
    said = [f"{signs[n]} {getattr(r, n):g}" for r in rules for n in signs if hasattr(r, n)]
    return ", ".join(said)
