"""Google's storage client as this service uses it: one a process, bounded, its errors turned into ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

from google.api_core import exceptions as api
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from requests import RequestException
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from speech.errors import NotFound, StorageUnavailable

CONNECT = 3.05  # seconds to connect, just over one retransmission of TCP
POOL = 64  # connections kept open: a server process answers many requests at once
# Rights that were taken away and a generation that changed under a reader are mended by waiting, like 5xx.
WAITING = {401, 403, 408, 412, 429}
BROKEN = (DataCorruption, InvalidResponse, GoogleAuthError, RequestException, HTTPError)


def make_client(endpoint: str = "") -> Client:
    """A client with the credentials found where it runs; without any at another `endpoint`."""
    if endpoint:
        client = Client(
            project=None,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": endpoint},
        )
    else:
        client = Client(project=None)
    for scheme in ("http://", "https://"):
        client._http.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=POOL))
    # A thread that asks for the bucket's metadata, for traces that nobody reads here. The library's own
    # switch is a variable of the whole process.
    client._bucket_metadata_cache = None
    return client


def bounds(timeout: float, deadline: float) -> dict[str, Any]:
    """Given to every call: the library's defaults differ from method to method and hold a worker for 120 s."""
    return {
        "timeout": (CONNECT, timeout),
        "retry": DEFAULT_RETRY.with_delay(0.2, 8.0, 2.0).with_timeout(deadline),
    }


@contextmanager
def outage() -> Iterator[None]:
    """Turns the library's errors into NotFound("object_not_found") and StorageUnavailable.

    What it leaves alone is a request that Google calls wrong (400 and the like): a fault of ours.
    """
    try:
        yield
    except api.NotFound as error:
        raise NotFound("object_not_found") from error
    except api.GoogleAPIError as error:
        code = int(getattr(error, "code", None) or 500)
        if code < 500 and code not in WAITING:
            raise
        raise StorageUnavailable("storage_unavailable") from error
    except (*BROKEN, HTTPException, ConnectionError, TimeoutError) as error:
        raise StorageUnavailable("storage_unavailable") from error
