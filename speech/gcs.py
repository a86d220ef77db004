"""Artifacts in a Google Cloud Storage bucket."""

import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from google.api_core.exceptions import PreconditionFailed
from google.cloud.storage import Blob, Bucket

from speech import gcs_sessions
from speech.errors import Conflict, Gone, NotFound, StorageUnavailable
from speech.gcs_client import bounds, make_client, outage
from speech.gcs_signing import Signer
from speech.links import Links, disposition
from speech.settings import Settings
from speech.storage import StoredObject
from speech.whole_files import partial

OWNER = "moksori-owner"  # custom metadata: the attempt or job that made the object
CHUNK = 8_388_608  # bytes of one request of an upload; a whole file is never in memory
PIECE = 1_048_576  # bytes of one request of a read: the server holds one for each client it serves


class GoogleStorage:
    """The Storage of `gs://bucket/prefix`; the client is made by the process that first needs it."""

    def __init__(
        self,
        url: str,
        links: Links,
        endpoint: str = "",
        signing: str = "auto",
        timeout: float = 30.0,
        deadline: float = 60.0,
    ) -> None:
        parts = urlsplit(url)
        self.bucket_name, self._prefix = parts.netloc, parts.path.strip("/")
        if not self.bucket_name:
            raise ValueError("MOKSORI_STORAGE_URL: a bucket is gs://bucket or gs://bucket/prefix")
        self._links, self._endpoint, self._signing = links, endpoint, signing
        self._bounds = bounds(timeout, deadline)
        self._made: tuple[int, Bucket, Signer | None] | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "GoogleStorage":
        """The storage that settings.artifacts_url names."""
        return cls(
            settings.artifacts_url,
            Links.from_settings(settings),
            settings.storage_endpoint,
            settings.storage_signing,
            settings.storage_timeout,
            settings.storage_deadline,
        )

    def put(self, key: str, source: Path | bytes, content_type: str, owner: str) -> StoredObject:
        """See Storage.put; the library sends the bytes with their CRC32C, resumably above 8 MiB."""
        blob = self._blob(key)
        blob.chunk_size = CHUNK  # of a resumable upload; the library would hold 100 MB in memory
        blob.metadata = {OWNER: owner}
        upload = blob.upload_from_string if isinstance(source, bytes) else blob.upload_from_filename
        try:
            with self._ours(key, blob, owner):
                upload(
                    source,
                    content_type=content_type,
                    if_generation_match=0,
                    checksum="crc32c",
                    **self._bounds,
                )
        except NotFound as error:  # nothing but the bucket can be missing here
            raise StorageUnavailable("storage_unavailable") from error
        return _stored(key, blob)

    def copy(
        self, source: str, target: str, content_type: str, owner: str, overwrite: bool
    ) -> StoredObject:
        """See Storage.copy; Google moves the bytes."""
        start, end = self._blob(source), self._blob(target)
        end.metadata, end.content_type = {OWNER: owner}, content_type
        with self._ours(target, end, owner):
            move = functools.partial(
                end.rewrite, start, if_generation_match=None if overwrite else 0, **self._bounds
            )
            token, _, _ = move()
            while token:  # a large object takes several requests
                token, _, _ = move(token=token)
        return _stored(target, end)

    def stat(self, key: str) -> StoredObject | None:
        """See Storage.stat."""
        blob = self._blob(key)
        try:
            with outage():
                blob.reload(**self._bounds)
        except NotFound:
            return None
        return _stored(key, blob)

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See Storage.open; each chunk is a request of its own, with its own retries, of one generation."""
        blob = self._blob(key)
        with outage():
            blob.reload(**self._bounds)
        return self._chunks(blob, start, blob.size if end is None else min(end, blob.size))

    def fetch(self, key: str, path: Path) -> None:
        """See Storage.fetch; the CRC32C is checked before the file gets its name."""
        with partial(path) as part:
            with outage():
                self._blob(key).download_to_filename(str(part), checksum="crc32c", **self._bounds)
            part.replace(path)

    def delete(self, key: str) -> None:
        """See Storage.delete."""
        try:
            with outage():
                self._blob(key).delete(**self._bounds)
        except NotFound:
            pass  # gone already, perhaps by our own request whose answer was lost

    def delete_prefix(self, prefix: str) -> int:
        """See Storage.delete_prefix."""
        with outage():
            found = self.bucket().list_blobs(prefix=self._name(prefix), **self._bounds)
            names = [blob.name for blob in found]
        for name in names:
            self.delete(name.removeprefix(self._name("")))
        return len(names)

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        """See Storage.keys; a request for each thousand."""
        fields = "items(name,updated),nextPageToken"
        with outage():
            found = self.bucket().list_blobs(
                prefix=self._name(prefix), fields=fields, **self._bounds
            )
            for blob in found:
                yield blob.name.removeprefix(self._name("")), blob.updated.timestamp()

    def tidy(self, before: float, dry: bool) -> int:
        """See Storage.tidy; a bucket shows nothing before it is whole, and forgets the rest after a week."""
        return 0

    def url(self, key: str, name: str, content_type: str, seconds: int) -> str:
        """See Storage.url; signed by Google where these credentials can, else one of our own links."""
        signer = self.signer()
        signed = signer and signer.url(self._blob(key), seconds, disposition(name), content_type)
        return signed or self._links.url(key, name, content_type, seconds)

    def begin_upload(
        self, key: str, size: int, content_type: str, owner: str, origin: str | None
    ) -> str | None:
        """See Storage.begin_upload; the bytes never pass us."""
        blob = self._blob(key)
        blob.metadata = {OWNER: owner}
        try:
            with outage():
                return blob.create_resumable_upload_session(
                    content_type, size, origin, checksum=None, if_generation_match=0, **self._bounds
                )
        except NotFound as error:  # nothing but the bucket can be missing here
            raise StorageUnavailable("storage_unavailable") from error

    def received(self, key: str, size: int, session: str | None) -> int:
        """See Storage.received."""
        found = self.stat(key)
        if found is None and session is not None:
            timeout = self._bounds["timeout"]
            count = gcs_sessions.received(self.bucket().client, session, size, timeout)
            if count is not None:
                return count
            found = self.stat(key)
        if found is None:
            raise Gone("upload_gone")
        return found.size

    def abandon_upload(self, key: str, session: str | None) -> None:
        """See Storage.abandon_upload."""
        if session is not None:
            gcs_sessions.cancel(self.bucket().client, session, self._bounds["timeout"])
        self.delete(key)

    def probe(self) -> float:
        """See Storage.probe; one listing of at most one name, tried once."""
        begun = time.perf_counter()
        with outage():
            once = {**self._bounds, "retry": None}
            list(self.bucket().list_blobs(max_results=1, prefix=self._name(""), **once))
        return time.perf_counter() - begun

    def bucket(self) -> Bucket:
        """The bucket, through this process's own client."""
        return self._mine()[1]

    def signer(self) -> Signer | None:
        """What signs URLs here; None: links are our own, and the server passes the bytes on."""
        return self._mine()[2]

    def _mine(self) -> tuple[int, Bucket, Signer | None]:
        # A client's connections must not be shared with a forked child, so the process's number is part of it.
        if self._made is None or self._made[0] != os.getpid():
            with outage():
                client = make_client(self._endpoint)
                signer = None if self._signing == "links" else Signer.of(client._credentials)
            self._made = (os.getpid(), client.bucket(self.bucket_name), signer)
        return self._made

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _blob(self, key: str) -> Blob:
        return self.bucket().blob(self._name(key))

    @contextmanager
    def _ours(self, key: str, blob: Blob, owner: str) -> Iterator[None]:
        """Success when an object that stands in the way is `owner`'s: our own, whose answer was lost."""
        with outage():
            try:
                yield
            except PreconditionFailed as error:
                blob.reload(**self._bounds)
                if (blob.metadata or {}).get(OWNER) != owner:
                    raise Conflict("output_exists", output=key) from error

    def _chunks(self, blob: Blob, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            stop = min(start + PIECE, end)
            with outage():
                chunk = blob.download_as_bytes(
                    start=start, end=stop - 1, if_generation_match=blob.generation, **self._bounds
                )
            yield chunk
            start = stop


def _stored(key: str, blob: Blob) -> StoredObject:
    kind = blob.content_type or "application/octet-stream"
    return StoredObject(key, int(blob.size), kind, str(blob.generation))
