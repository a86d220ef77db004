"""Where artifacts live: one small interface, one module a URL scheme."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from speech.settings import Settings


@dataclass(frozen=True)
class StoredObject:
    """What storage knows of one object."""

    key: str
    size: int  # bytes
    content_type: str
    etag: str  # changes when the bytes do


class Storage(Protocol):
    """Bytes by key. A key is made by us, relative to the storage URL: `t/default/…/speech.wav`.

    Every method raises StorageUnavailable when storage cannot be reached (after its own bounded retries),
    so that an attempt can step back without having been blamed.
    """

    def put(self, key: str, source: Path | bytes, content_type: str, owner: str) -> StoredObject:
        """Write the whole of `source` under `key`, create-only; an object there that is `owner`'s is success.

        Nothing half-written is ever readable. Raises Conflict("output_exists") for another owner's object.
        """

    def copy(
        self, source: str, target: str, content_type: str, owner: str, overwrite: bool
    ) -> StoredObject:
        """Copy inside storage, create-only unless `overwrite`; idempotent for one owner. Errors as put."""

    def stat(self, key: str) -> StoredObject | None:
        """What is under `key`, or None."""

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes [start, end) in chunks. Raises NotFound("object_not_found")."""

    def fetch(self, key: str, path: Path) -> None:
        """Download to a local file (whole, or not at all). Raises NotFound("object_not_found")."""

    def delete(self, key: str) -> None:
        """Remove one object, and in a folder what has come of an upload to it; none there is fine."""

    def delete_prefix(self, prefix: str) -> int:
        """Remove every object under `prefix` (ends with a slash); the count removed."""

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Every key under `prefix` (ends with a slash), and when it was written: seconds since 1970."""

    def tidy(self, before: float, dry: bool) -> int:
        """Remove what killed writers left half-made before then (seconds since 1970), or only count it."""

    def url(self, key: str, name: str, content_type: str, seconds: int) -> str:
        """A fresh absolute GET URL good for `seconds`, which serves the object as a file called `name`."""

    def begin_upload(
        self, key: str, size: int, content_type: str, owner: str, origin: str | None
    ) -> str | None:
        """Make ready for `size` bytes under `key` from a client that may break off.

        The URL of a session in which the storage itself takes them, by Google's resumable protocol (a browser
        may only from `origin`); None: they come through us, by FileStorage.append.
        """

    def received(self, key: str, size: int, session: str | None) -> int:
        """How many bytes of an upload are safe; `size` once it is whole and can be read under `key`.

        Raises NotFound("upload_gone") when the storage does not know it any more.
        """

    def abandon_upload(self, key: str, session: str | None) -> None:
        """Remove an upload, whole or not, and take no more bytes for it; none there is fine."""

    def probe(self) -> float:
        """Round-trip time in seconds of one small read; raises StorageUnavailable."""


def open_storage(settings: Settings) -> Storage:
    """The storage that settings.artifacts_url names.

    Raises ValueError for a scheme that nothing here serves.
    """
    scheme = urlsplit(settings.artifacts_url).scheme
    if scheme not in SCHEMES:
        raise ValueError(f"MOKSORI_STORAGE_URL: scheme {scheme!r} is none of {', '.join(SCHEMES)}")
    return SCHEMES[scheme](settings)


def _file(settings: Settings) -> Storage:
    from speech.filesystem import FileStorage

    return FileStorage.from_settings(settings)


def _gs(settings: Settings) -> Storage:
    from speech.gcs import (
        GoogleStorage,
    )  # the client is slow to import and not needed on one machine

    return GoogleStorage.from_settings(settings)


SCHEMES: dict[str, Callable[[Settings], Storage]] = {"file": _file, "gs": _gs}
