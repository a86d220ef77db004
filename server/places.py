"""Places that a request names: URLs to fetch, and gs:// URLs inside our own storage."""

from typing import Any
from urllib.parse import urlsplit

from server.caller import caller
from server.json_body import check_text
from server.receiving import look
from server.service import Service, tenant
from speech.errors import Conflict, InvalidRequest, NotFound
from speech.jobs import DEFAULT_TENANT, RESERVED

URL_LENGTH = 2048


def fetched(url: str, param: str) -> dict[str, Any]:
    """A job's input at an http(s) URL; the worker checks the host. Raises InvalidRequest("bad_url")."""
    check_text(url, param)
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
        sound = sound and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound or len(url) > URL_LENGTH or any(c.isspace() or not c.isprintable() for c in url):
        raise InvalidRequest("bad_url", param=param, limit=URL_LENGTH)
    return {"url": url}


def input_place(service: Service, text: str, param: str) -> dict[str, Any]:
    """A job's input: a URL to fetch, or a gs:// URL in our own storage that this caller may read.

    Raises InvalidRequest("bad_url"), ("not_our_storage"), ("reserved_place") or Forbidden("bucket_not_allowed").
    """
    if not text.startswith("gs://"):
        return fetched(text, param)
    key = _key(service, text, param)
    own = key.startswith(f"t/{tenant()}/")
    if tenant() == DEFAULT_TENANT:
        own = own or key.startswith("wav_files/")
    if key.startswith(RESERVED) and not own:
        raise InvalidRequest("reserved_place", param=param, reserved=list(RESERVED))
    caller().need_place(text, param, own)
    return {"key": key}


def uploaded(service: Service, upload_id: str, param: str) -> dict[str, Any]:
    """A job's input: a file that was uploaded before.

    Raises NotFound("upload_not_found"), NotFound("upload_gone") or Conflict("upload_incomplete").
    """
    check_text(upload_id, param)
    try:
        upload, received = look(service, upload_id)
    except NotFound as error:
        error.param = param
        raise
    if upload.state != "complete":
        raise Conflict(
            "upload_incomplete",
            param=param,
            upload=upload.id,
            received=received,
            bytes=upload.bytes,
        )
    return upload.as_input()


def output_keys(service: Service, prefix: str, names: list[str]) -> tuple[str, ...]:
    """The keys that a caller is promised: each name under a gs:// prefix of our own storage.

    Raises InvalidRequest("not_our_storage"), ("reserved_place") or Forbidden("bucket_not_allowed").
    """
    start = _key(service, prefix, "output").rstrip("/")
    if f"{start}/".startswith(RESERVED):
        raise InvalidRequest("reserved_place", param="output", reserved=list(RESERVED))
    caller().need_place(prefix.rstrip("/"), "output")
    return tuple(f"{start}/{name}" for name in names)


def _key(service: Service, url: str, param: str) -> str:
    check_text(url, param)
    ours = service.settings.artifacts_url
    if not ours.startswith("gs://"):
        raise InvalidRequest("no_bucket", param=param)
    start = f"{ours.rstrip('/')}/"
    key = url.removeprefix(start)
    plain = key.rstrip("/").split("/")
    if not url.startswith(start) or len(url) > 900 or any(n[:1] in ("", ".") for n in plain):
        raise InvalidRequest("not_our_storage", param=param, ours=start)
    return key
