"""Which web pages may call: an exact list of origins; a page from elsewhere cannot start jobs through a visitor."""

import ipaddress
import re
from urllib.parse import urlsplit

from flask import request

from speech.errors import Forbidden, InvalidRequest
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


def refuse_rebound(settings: Settings) -> None:
    """Where no key is asked for, refuse a Host that names another machine. Raises Forbidden("foreign_host").

    A page may let its own name lead to 127.0.0.1 (DNS rebinding). To the browser it is same-origin then, and only
    the name in its requests tells them from ours.
    """
    name = _host_name(request.host)
    ours = {"localhost", settings.host.lower(), _host_name(urlsplit(settings.links_url).netloc)}
    if not (name in ours or name.endswith(".localhost") or _is_address(name)):
        raise Forbidden("foreign_host", host=name or "-")


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
