"""A plug-in (MOKSORI_PLUGINS=tests.stub_storage) that puts faults before the storage in a folder.

Files in the folder STUB_FLAGS: `down` (every call is an outage), `down-copy` (a copy is one), `hold-copy` (a copy
waits until the file is gone).
"""

import os
import time
from pathlib import Path

from speech import storage
from speech.errors import StorageUnavailable
from speech.filesystem import FileStorage

FLAGS = Path(os.environ.get("STUB_FLAGS", "no-such-folder"))


class FaultyStorage(FileStorage):
    """FileStorage, as far as the flags let it."""

    def _answer(self, flag="down"):
        if (FLAGS / flag).exists():
            raise StorageUnavailable("storage_unavailable")

    def put(self, *args, **named):
        self._answer()
        return super().put(*args, **named)

    def copy(self, *args, **named):
        self._answer()
        self._answer("down-copy")
        while (FLAGS / "hold-copy").exists():
            time.sleep(0.01)
        return super().copy(*args, **named)

    def fetch(self, *args, **named):
        self._answer()
        return super().fetch(*args, **named)

    def probe(self):
        self._answer()
        return super().probe()


storage.SCHEMES["file"] = FaultyStorage.from_settings
