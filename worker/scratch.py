"""A worker's temporary files: one folder a worker, which outlives no kill for long.

A killed process removes nothing. So all of a worker's children work inside one folder that its parent holds a
lock on; what a dead child left goes before the next one starts, a dead worker's folder when any other starts.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO

PREFIX = "moksori-worker-"
LOCK = ".held"
BASE = Path(
    tempfile.gettempdir()
)  # of the machine, before a process of ours moves into its own folder


def folder_of(boot: str) -> Path:
    """Where the worker with this boot id keeps its temporary files."""
    return BASE / f"{PREFIX}{boot}"


class Scratch:
    """The parent's side: makes the folder, clears it, takes it away."""

    def __init__(self, boot: str) -> None:
        remove_dead()
        self.path = folder_of(boot)
        new = self.path.with_name(f"moksori-new-{boot}")
        new.mkdir(mode=0o700)
        self._lock = (new / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        new.rename(self.path)  # only now can another worker see it, and it is locked

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def child_folder(boot: str, name: str) -> Path:
    """A new, empty folder of a child called `name` (its lanes); what its dead predecessor left is removed.

    Raises FileNotFoundError when the worker's folder is gone: its parent died while this child was starting, and
    a folder made now would belong to nobody.
    """
    path = folder_of(boot) / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    return path


def use(path: Path) -> None:
    """Let this process and all that it starts make their temporary files in `path`."""
    tempfile.tempdir = str(path)
    os.environ["TMPDIR"] = str(path)


def remove_dead() -> None:
    """Remove the folders of workers that are gone."""
    for path in BASE.glob(f"{PREFIX}*"):
        try:
            with (path / LOCK).open("r+") as lock:
                if _free(lock):
                    _remove(path)
        except OSError:
            continue  # not ours, just being made, or gone already


def _remove(path: Path) -> None:
    """Again when an orphan that is just dying has written meanwhile."""
    for _ in range(5):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.05)


def _free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
