"""Which web pages may call: an exact list of origins; a page from elsewhere cannot start jobs through a visitor."""

import re

from flask import request

from speech.errors import InvalidRequest
from speech.settings import Settings

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?\Z")


def allowed_origins(settings: Settings) -> list[str]:
    """The origins of MOKSORI_CORS_ORIGINS. Raises ValueError for `*`, a path, or anything but scheme://host[:port]."""
    found = [one.strip() for one in settings.cors_origins.split(",") if one.strip()]
    for origin in found:
        if not _ORIGIN.match(origin):
            raise ValueError(
                f"MOKSORI_CORS_ORIGINS: {origin!r} is not an exact origin such as https://example.com"
            )
    return found


def is_origin(text: str | None) -> bool:
    """Whether an Origin header names one."""
    return text is not None and bool(_ORIGIN.match(text))


def refuse_foreign(origins: list[str]) -> None:
    """Refuse a change that a browser sends for another site's page. Raises InvalidRequest("foreign_origin").

    A form post needs no preflight, so CORS alone would let any page make jobs on a service bound to localhost.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    if request.method in {"GET", "HEAD", "OPTIONS"} or site in {"none", "same-origin"}:
        return
    if request.headers.get("Origin") not in origins:
        raise InvalidRequest("foreign_origin")
