"""The file in which a child says how it is; its parent reads it, and so does a health check."""

import json
import os
from pathlib import Path
from typing import Any


def write_state(path: Path, how: dict[str, Any]) -> None:
    """Replace a state file at once, so that a reader sees the old or the new one; its folder is the parent's."""
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(how))
    beside.replace(path)


def read_state(path: Path) -> dict[str, Any]:
    """What a child last said of itself; empty when it has said nothing yet."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
