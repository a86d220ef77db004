"""Models in a Google Cloud Storage bucket, which need not be that of the artifacts: read only, by gs:// URL."""

import functools
import os
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from google.api_core.exceptions import GoogleAPIError
from google.cloud.storage import Blob, Client

from speech.errors import StorageUnavailable, Unavailable
from speech.gcs_client import bounds, make_client, outage
from speech.settings import Settings

SMALL = 1_048_576  # bytes of a manifest or a list of checksums, at most
CHUNK = 8_388_608  # bytes of one request of a download, each with its own retries; memory holds one


@dataclass(frozen=True)
class Listed:
    """What the bucket says of one object."""

    url: str
    size: int  # bytes
    generation: str  # another one after each upload
    checksum: str  # "md5:…" or, of an object that was composed, "crc32c:…"; hex


class ModelBucket:
    """Reads what gs:// URLs name, with this process's own credentials.

    Every method raises Unavailable("models_unreachable"), after bounded retries, when a bucket does not answer or
    does not let us in.
    """

    def __init__(self, endpoint: str = "", timeout: float = 30.0, deadline: float = 60.0) -> None:
        self._endpoint = endpoint
        self._bounds = bounds(timeout, deadline)

    @classmethod
    def from_settings(cls, settings: Settings) -> "ModelBucket":
        """A reader at settings.storage_endpoint."""
        return cls(settings.storage_endpoint, settings.storage_timeout, settings.storage_deadline)

    def stat(self, url: str) -> Listed:
        """One object. Raises NotFound("object_not_found")."""
        with _asking(url):
            blob = self._blob(url)
            blob.reload(**self._bounds)
        return _listed(url, blob)

    def list(self, folder: str) -> list[Listed]:
        """The objects right below a folder's URL."""
        bucket, prefix = split(folder)
        below = f"{prefix}/" if prefix else ""
        with _asking(folder):
            found = list(
                self._client().list_blobs(bucket, prefix=below, delimiter="/", **self._bounds)
            )
        return [_listed(f"gs://{bucket}/{blob.name}", blob) for blob in found]

    def read(self, seen: Listed) -> bytes:
        """The bytes of a small object as it was seen.

        Raises NotFound("object_not_found"), and ValueError for one of more than SMALL bytes.
        """
        if seen.size > SMALL:
            raise ValueError(f"{seen.url} is larger than {SMALL} bytes")
        with _asking(seen.url):
            blob, same = self._blob(seen.url), int(seen.generation)
            data: bytes = blob.download_as_bytes(if_generation_match=same, **self._bounds)
        return data

    def fetch(self, url: str, path: Path) -> None:
        """Download an object to a new file, unchecked. Raises NotFound("object_not_found")."""
        with _asking(url):
            blob = self._blob(url)
            blob.chunk_size = CHUNK
            blob.download_to_filename(str(path), checksum=None, **self._bounds)

    def _client(self) -> Client:
        # A client's connections must not be shared with a forked child, so the process's number is part of it.
        return _client(self._endpoint, os.getpid())

    def _blob(self, url: str) -> Blob:
        bucket, name = split(url)
        return self._client().bucket(bucket).blob(name)


@functools.lru_cache(maxsize=2)
def _client(endpoint: str, _process: int) -> Client:
    """Kept, with its credentials and connections: a bucket is looked at every minute."""
    return make_client(endpoint)


def split(url: str) -> tuple[str, str]:
    """Bucket and name of a gs:// URL. Raises ValueError for one that names no bucket."""
    parts = urlsplit(url)
    if parts.scheme != "gs" or not parts.netloc:
        raise ValueError(f"{url} is not gs://bucket/name")
    return parts.netloc, url.removeprefix(f"gs://{parts.netloc}").strip("/")


def _listed(url: str, blob: Blob) -> Listed:
    kind, sent = ("md5", blob.md5_hash) if blob.md5_hash else ("crc32c", blob.crc32c)
    return Listed(url, int(blob.size), str(blob.generation), f"{kind}:{b64decode(sent).hex()}")


@contextmanager
def _asking(url: str) -> Iterator[None]:
    try:
        with outage():
            yield
    except (StorageUnavailable, GoogleAPIError) as error:
        raise Unavailable("models_unreachable", url=url) from error
