"""Model files from a bucket on this host's disk: verified, fetched once for all processes, kept within a limit.

An entry is a folder in `models/cache`, named by the checksum of what is in it. Two locks, both let go of by the
kernel when their holder dies: whoever uses an entry holds a shared one on the folder, so that it is not removed;
whoever fetches holds one on a file in it, so that the others wait instead of fetching too.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from google_crc32c import Checksum

from speech.errors import Internal, NotFound
from speech.model_bucket import ModelBucket
from speech.settings import Settings
from speech.whole_files import partial, replace, sync

CHUNK = 1_048_576  # bytes hashed at once
TRIES = 2  # a broken file is fetched again once

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """One file of an entry."""

    name: str  # in the entry's folder
    url: str  # gs://…
    checksum: str  # "sha256:…", "md5:…" or "crc32c:…", hex


@dataclass(frozen=True)
class Known:
    """The last good manifest or list that came from a URL; `stamp` changes when it does."""

    stamp: str
    text: str


class Held:
    """An entry in use; it is not removed before this object is gone."""

    def __init__(self, folder: Path, handle: int) -> None:
        self.folder = folder
        self.close = weakref.finalize(self, os.close, handle)


class ModelCache:
    """The models of `folder`, at most `limit` bytes beside what is in use."""

    def __init__(self, folder: Path, limit: int, bucket: ModelBucket) -> None:
        self.bucket = bucket
        self._entries, self._known = folder / "cache", folder / "known"
        self._limit = limit

    @classmethod
    def from_settings(cls, settings: Settings) -> "ModelCache":
        """The cache in the data folder."""
        bucket = ModelBucket.from_settings(settings)
        return cls(settings.data / "models", settings.model_cache_bytes, bucket)

    def hold(self, name: str, files: Sequence[Wanted], again: bool = False) -> Held:
        """The entry `name` with these files in it, whole and verified; `again` fetches whatever is there.

        Raises Internal (model_object_damaged, model_object_missing), Unavailable("models_unreachable").
        """
        held = self._use(name)
        if again or _broken(held.folder, files):
            with _alone(held.folder):
                for file in files if again else _broken(held.folder, files):
                    self._fetch(held.folder, file)
        os.utime(held.folder)
        return held

    def find(self, name: str, files: Sequence[Wanted]) -> Path | None:
        """The folder of an entry that is here, whole and verified; nothing is fetched."""
        return None if _broken(self._entries / name, files) else self._entries / name

    def recall(self, url: str) -> Known | None:
        """What was remembered of a URL."""
        try:
            return Known(**json.loads(self._note(url).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def remember(self, url: str, known: Known) -> None:
        """Keep what a URL said for when the bucket is away; a server may have no disk for it, and needs none."""
        note = self._note(url)
        try:
            note.parent.mkdir(parents=True, exist_ok=True)
            with partial(note) as part:
                part.write_text(json.dumps(asdict(known)), "utf-8")
                sync(part)
                replace(part, note)
        except OSError as error:
            log.warning("%s will not be known while its bucket is away: %s", url, error)

    def _note(self, url: str) -> Path:
        return self._known / f"{hashlib.sha256(url.encode()).hexdigest()}.json"

    def _use(self, name: str) -> Held:
        folder = self._entries / name
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # removed in between
                held = Held(folder, handle := os.open(folder, os.O_RDONLY))
                fcntl.flock(handle, fcntl.LOCK_SH)
                if os.path.samestat(os.fstat(handle), folder.stat()):
                    return held

    def _fetch(self, folder: Path, file: Wanted) -> None:
        for left in folder.glob(".*.partial"):
            left.unlink()  # of a process that was killed
        try:
            self.make_room(self.bucket.stat(file.url).size)
            for _ in range(TRIES):
                log.info("fetching %s", file.url)
                with partial(folder / file.name) as part:
                    self.bucket.fetch(file.url, part)
                    if matches(part, file.checksum):
                        sync(part)
                        return replace(part, folder / file.name)
                log.warning("%s is not what its checksum says", file.url)
        except NotFound as error:
            raise Internal("model_object_missing", url=file.url) from error
        raise Internal("model_object_damaged", url=file.url)

    def make_room(self, coming: int) -> None:
        """Remove entries that nobody uses, the longest unused first, until `coming` bytes more fit."""
        sizes = {entry: _size(entry) for entry in self._entries.iterdir() if entry.is_dir()}
        total = sum(sizes.values()) + coming
        for entry in sorted(sizes, key=_last_used):
            if total <= self._limit:
                return
            if _remove(entry):
                total -= sizes[entry]
        if total > self._limit:
            log.warning("models in use take %d bytes, more than MOKSORI_MODEL_CACHE_BYTES", total)


def matches(path: Path, checksum: str) -> bool:
    """True when the bytes of a file have this checksum ("sha256:…", "md5:…" or "crc32c:…", hex)."""
    kind, _, wanted = checksum.partition(":")
    digest = Checksum() if kind == "crc32c" else hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return bool(digest.digest().hex() == wanted)


def _broken(folder: Path, files: Sequence[Wanted]) -> list[Wanted]:
    """Those of `files` that are missing, or not what they should be."""
    return [
        file
        for file in files
        if not (folder / file.name).is_file() or not matches(folder / file.name, file.checksum)
    ]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; the others wait here."""
    with (folder / ".fetching").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove(entry: Path) -> bool:
    """Remove an entry; False when it is in use, or gone."""
    with suppress(OSError):
        handle = os.open(entry, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gone = entry.rename(entry.with_name(f".{uuid4().hex}.gone"))
        finally:
            os.close(handle)
        shutil.rmtree(gone, ignore_errors=True)
        return True
    return False


def _size(entry: Path) -> int:
    return _told(lambda: sum(path.stat().st_size for path in entry.iterdir()))


def _last_used(entry: Path) -> int:
    return _told(lambda: entry.stat().st_mtime_ns)


def _told(ask: Callable[[], int]) -> int:
    try:
        return ask()
    except FileNotFoundError:  # another process has just removed it
        return 0
