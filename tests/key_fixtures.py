"""API keys for tests of the server."""

from typing import Any

from speech import access
from speech.access import SCOPES, ApiKey, Limits, NewKey
from tests.server_fixtures import Served


def bearer(text: str) -> dict[str, str]:
    """The header that a key or token is sent in."""
    return {"Authorization": f"Bearer {text}"}


def new_key(served: Served, *scopes: str, **given: Any) -> tuple[ApiKey, dict[str, str]]:
    """A key with these scopes (all) and what else is given, and the header it is sent in."""
    limits = Limits(**{name: given.pop(name) for name in Limits.__annotations__ if name in given})
    new = NewKey("for tests", scopes or SCOPES, limits=limits, **given)
    key, text = access.create(served.store.db, new)
    return key, bearer(text)
