"""Artifacts in a local folder."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from speech import whole_files
from speech.errors import Conflict, Gone, InvalidRequest, NotFound, StorageUnavailable
from speech.incoming import Incoming, target_name
from speech.links import Links
from speech.settings import Settings
from speech.storage import StoredObject
from speech.whole_files import CHUNK, PARTIAL, outage, partial

TYPES = {  # a folder keeps no content types; these are the files that we make
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".opus": "audio/ogg",
    ".aac": "audio/aac",
    ".pcm": "audio/pcm",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".srt": "application/x-subrip; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
}


class FileStorage:
    """The Storage of `file:///folder`: a key is a path under it; names that begin with a dot are ours.

    A folder knows no owners: an object that is there already counts as one's own when its bytes are the same.
    """

    def __init__(self, root: Path, links: Links) -> None:
        self.root, self._links = root.resolve(), links

    @classmethod
    def from_settings(cls, settings: Settings) -> "FileStorage":
        """The storage in the folder that settings.artifacts_url names; made when missing.

        Raises ValueError for a URL that names a host or no folder.
        """
        parts = urlsplit(settings.artifacts_url)
        root = Path(unquote(parts.path))
        if parts.netloc or not root.is_absolute():
            raise ValueError("MOKSORI_STORAGE_URL: a folder is file:/// and its absolute path")
        with outage():
            root.mkdir(parents=True, exist_ok=True)
        return cls(root, Links.from_settings(settings))

    def put(self, key: str, source: Path | bytes, content_type: str, owner: str) -> StoredObject:
        """See Storage.put."""
        target = self._path(key)
        with whole_files.reader(source) as stream, self._making(target) as part:
            whole_files.write(stream, part)
            self._publish(part, target, key)
        return self._stored(key, target, content_type)

    def copy(
        self, source: str, target: str, content_type: str, owner: str, overwrite: bool
    ) -> StoredObject:
        """See Storage.copy; a hard link, so no byte is moved."""
        start, end = self._path(source), self._path(target)
        if not self._is_file(start):
            raise NotFound("object_not_found")
        with self._making(end) as part:
            whole_files.link(start, part)
            if overwrite:
                whole_files.replace(part, end)
            else:
                self._publish(part, end, target)
        return self._stored(target, end, content_type)

    def stat(self, key: str) -> StoredObject | None:
        """See Storage.stat; the content type follows from the name."""
        path = self._path(key)
        if not self._is_file(path):
            return None
        return self._stored(key, path, TYPES.get(path.suffix, "application/octet-stream"))

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See Storage.open."""
        path = self._path(key)
        if not self._is_file(path):
            raise NotFound("object_not_found")
        return _chunks(path, start, end)

    def fetch(self, key: str, path: Path) -> None:
        """See Storage.fetch; a local disk that is full is an OSError, not an outage."""
        with partial(path) as part:
            with part.open("xb") as file:
                file.writelines(self.open(key))
            part.replace(path)

    def delete(self, key: str) -> None:
        """See Storage.delete."""
        path = self._path(key)
        with outage():
            self.root.stat()
            Incoming(path, 0).give_up()  # first, so that a late writer cannot give it its name
            path.unlink(missing_ok=True)

    def delete_prefix(self, prefix: str) -> int:
        """See Storage.delete_prefix; what killed processes left half-written goes too, uncounted."""
        top, count = self._path(prefix.rstrip("/")), 0
        with outage():
            self.root.stat()
            for folder, _, names in os.walk(top, topdown=False):
                for name in names:
                    Path(folder, name).unlink(missing_ok=True)
                    count += not name.startswith(".")
                Path(folder).rmdir()
        return count

    def keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        """See Storage.keys; an upload that is coming counts as the object it is to be."""
        with outage():
            self.root.stat()
            for entry in _files(self._path(prefix.rstrip("/"))):
                path = Path(entry.path)
                if name := target_name(entry.name):
                    with suppress(FileNotFoundError):  # removed just now
                        written = entry.stat().st_mtime
                        yield str(path.with_name(name).relative_to(self.root)), written

    def tidy(self, before: float, dry: bool) -> int:
        """See Storage.tidy."""
        count = 0
        with outage():
            self.root.stat()
            for entry in _files(self.root):
                if not (entry.name.startswith(".") and entry.name.endswith(PARTIAL)):
                    continue
                with suppress(FileNotFoundError):  # whole by now
                    # A copy's link is as old as its source (mtime), but has changed just now (ctime).
                    if entry.stat().st_ctime < before:
                        count += 1
                        if not dry:
                            os.unlink(entry.path)
        return count

    def url(self, key: str, name: str, content_type: str, seconds: int) -> str:
        """See Storage.url; one of our own links."""
        return self._links.url(key, name, content_type, seconds)

    def begin_upload(
        self, key: str, size: int, content_type: str, owner: str, origin: str | None
    ) -> None:
        """See Storage.begin_upload; a disk without room for it is refused before a byte is sent."""
        with outage():
            if shutil.disk_usage(self.root).free < size:
                raise StorageUnavailable("storage_full")
            Incoming(self._path(key), size).begin()

    def append(self, key: str, size: int, start: int, pieces: Iterable[bytes]) -> int:
        """Take bytes of an upload from place `start` on; how many are safe now. Errors as received.

        Bytes that are there already are skipped, and those that would leave a gap are not taken.
        """
        with outage():
            self.root.stat()
            try:
                return Incoming(self._path(key), size).add(start, pieces)
            except FileNotFoundError:
                raise Gone("upload_gone") from None

    def received(self, key: str, size: int, session: str | None) -> int:
        """See Storage.received."""
        return self.append(key, size, 0, ())

    def abandon_upload(self, key: str, session: str | None) -> None:
        """See Storage.abandon_upload."""
        self.delete(key)

    def probe(self) -> float:
        """See Storage.probe."""
        begun = time.perf_counter()
        with outage(), os.scandir(self.root) as entries:
            next(entries, None)
        return time.perf_counter() - begun

    def _path(self, key: str) -> Path:
        safe = "\0" not in key and not any(n[:1] in ("", ".") for n in key.split("/"))
        if not safe or not (self.root / key).resolve().is_relative_to(self.root):
            raise InvalidRequest("storage_key_invalid", key=key)
        return self.root / key

    def _is_file(self, path: Path) -> bool:
        with outage():
            self.root.stat()  # a folder that is away is an outage, not an empty storage
            return path.is_file()

    def _publish(self, part: Path, target: Path, key: str) -> None:
        if not whole_files.create(part, target) and not whole_files.same(part, target):
            raise Conflict("output_exists", output=key)

    @contextmanager
    def _making(self, target: Path) -> Iterator[Path]:
        with outage(), partial(target) as part:
            self.root.stat()  # never made anew here: it may be a disk that is not mounted
            target.parent.mkdir(parents=True, exist_ok=True)
            yield part

    @outage()
    def _stored(self, key: str, path: Path, content_type: str) -> StoredObject:
        s = path.stat()
        etag = f"{s.st_mtime_ns:x}-{s.st_size:x}-{s.st_ino:x}"
        return StoredObject(key, s.st_size, content_type, etag)


def _files(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """Every file below a folder; never a whole folder in memory, as os.walk has it."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                yield entry


def _chunks(path: Path, start: int, end: int | None) -> Iterator[bytes]:
    with outage(), path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(CHUNK if end is None else max(0, min(CHUNK, end - file.tell()))):
            yield chunk
