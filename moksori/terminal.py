"""The terminal that a command speaks to."""

import os

from speech.errors import Language


def language() -> Language:
    """The language of the terminal (POSIX: the first of these that is set decides)."""
    told = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "ko" if next(filter(None, told), "").startswith("ko") else "en"
