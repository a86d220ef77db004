"""Resumable upload sessions of a bucket, as their server asks after them and ends them.

https://cloud.google.com/storage/docs/performing-resumable-uploads: the URL is the right to write, no other is asked.
"""

import re
from typing import Any

from google.cloud.storage import Client

from speech.errors import Gone, StorageUnavailable
from speech.gcs_client import WAITING, outage

OVER = {404, 410, 499}  # unknown or older than a week, ended, cancelled


def received(client: Client, session: str, size: int, timeout: Any) -> int | None:
    """How many bytes a session has, or None when it has ended with the object made. Raises Gone("upload_gone")."""
    with outage():
        answer = client._http.put(
            session,
            headers={"Content-Range": f"bytes */{size}"},
            timeout=timeout,
            allow_redirects=False,  # 308 is no redirect here
        )
    if answer.status_code in OVER:
        raise Gone("upload_gone")
    if answer.status_code in {200, 201}:
        return None
    if answer.status_code != 308:
        raise StorageUnavailable("storage_unavailable")
    found = re.fullmatch(r"bytes=0-([0-9]+)", answer.headers.get("Range", ""))
    return int(found[1]) + 1 if found else 0


def cancel(client: Client, session: str, timeout: Any) -> None:
    """End a session; one that is over is fine."""
    with outage():
        answer = client._http.delete(session, timeout=timeout)
    if answer.status_code >= 500 or answer.status_code in WAITING:
        raise StorageUnavailable("storage_unavailable")
