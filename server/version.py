"""Which version this is."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def _version() -> str:
    try:
        return version("moksori")
    except PackageNotFoundError:
        # Run from a checkout that was never installed.
        path = Path(__file__).resolve().parent.parent / "pyproject.toml"
        return str(tomllib.loads(path.read_text("utf-8"))["project"]["version"])


VERSION: str = _version()
