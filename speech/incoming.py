"""A file that arrives in pieces: it grows beside its place, and takes it when it is whole.

Its size on the disk says where the next byte belongs, so that a kill at any moment costs no byte that was answered
for. Each piece carries its place, and what is there already is skipped: a client that comes back need not wait until
its old connection is found dead.
"""

import fcntl
import os
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

from speech import whole_files

_ENDING = ".upload"


class Incoming:
    """The file `target` of `size` bytes in the making; nothing can be read under its name before it is whole.

    Every method raises FileNotFoundError for a file that was never begun, or was given up.
    """

    def __init__(self, target: Path, size: int) -> None:
        self.target, self.size = target, size
        self.part = target.with_name(f".{target.name}{_ENDING}")

    def begin(self) -> None:
        """Make the empty file; only here, so that a late writer cannot begin anew what has ended."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.part.touch(exist_ok=False)
        whole_files.sync(self.part.parent)

    def add(self, start: int, pieces: Iterable[bytes]) -> int:
        """Take bytes from place `start` on, as far as they join what is there; how many are safe now, from 0."""
        try:
            file = FileIO(self.part, "r+")
        except FileNotFoundError:
            return self.target.stat().st_size
        with file:
            for piece in pieces:
                if not _join(file, start, piece):
                    break
                start += len(piece)
            received = os.fstat(file.fileno()).st_size
            os.fsync(file)  # after the count: another writer's next bytes are not promised yet
        if received == self.size:
            self._publish()
        return received

    def give_up(self) -> None:
        """Remove what has come; a file that is whole stays."""
        self.part.unlink(missing_ok=True)

    def _publish(self) -> None:
        try:
            whole_files.create(self.part, self.target)
        except FileNotFoundError:
            self.target.stat()  # another writer was quicker, or it was given up
        self.part.unlink(missing_ok=True)


def target_name(name: str) -> str | None:
    """The name that a file in a folder has, or will have once it is whole; None for other files in the making."""
    if not name.startswith("."):
        return name
    return name[1:].removesuffix(_ENDING) if name.endswith(_ENDING) else None


def _join(file: FileIO, start: int, piece: bytes) -> bool:
    """Append what of `piece` is new; False when it begins beyond the end."""
    # Held for one piece only: a writer that waits for a dead connection is in nobody's way.
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        size = file.seek(0, os.SEEK_END)
        if start > size:
            return False
        rest = memoryview(piece)[size - start :]
        while rest:
            rest = rest[file.write(rest) :]
        return True
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
