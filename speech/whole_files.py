"""Files that appear whole or not at all, and are created once."""

import errno
import fcntl
import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from speech.errors import StorageUnavailable

CHUNK = 1_048_576  # bytes moved at once
PARTIAL = ".partial"  # ends the name of a file in the making
FULL = {errno.ENOSPC, errno.EDQUOT}
NO_LINKS = {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def outage() -> Iterator[None]:
    """Turns what the disk refuses (full, read-only, gone, broken) into StorageUnavailable."""
    try:
        yield
    except OSError as error:
        code = "storage_full" if error.errno in FULL else "storage_unavailable"
        raise StorageUnavailable(code) from error


@contextmanager
def partial(target: Path) -> Iterator[Path]:
    """A name beside `target` for a file in the making, which is gone at the end in any case."""
    part = target.with_name(f".{uuid4().hex}{PARTIAL}")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def reader(source: Path | bytes) -> BinaryIO:
    """A stream over a local file or bytes."""
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def write(stream: BinaryIO, part: Path) -> None:
    """Copies the rest of `stream` to the new file `part`, and that to the disk."""
    with part.open("xb") as file:
        shutil.copyfileobj(stream, file, CHUNK)
        file.flush()
        os.fsync(file.fileno())


def link(source: Path, part: Path) -> None:
    """Makes `part` the same file as `source`; a copy where the file system has no hard links."""
    try:
        os.link(source, part)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with source.open("rb") as stream:
            write(stream, part)


def create(part: Path, target: Path) -> bool:
    """Gives the whole file `part` the name `target`; False when there is something already."""
    try:
        os.link(part, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return _rename(part, target)
    sync(target.parent)
    return True


def replace(part: Path, target: Path) -> None:
    """Gives the whole file `part` the name `target`, whatever was there."""
    os.replace(part, target)
    sync(target.parent)


def same(one: Path, other: Path) -> bool:
    """True for one file under two names, or two files with the same bytes."""
    return os.path.samefile(one, other) or filecmp.cmp(one, other, shallow=False)


def sync(folder: Path) -> None:
    """Brings the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rename(part: Path, target: Path) -> bool:
    # rename(2) overwrites; the lock keeps the look and the rename together among our own processes.
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if target.exists():
            return False
        os.rename(part, target)
        os.fsync(handle)
        return True
    finally:
        os.close(handle)
