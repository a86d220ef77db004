"""The tables beside this module: tab-separated, one entry a line, # before a comment."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("tables")


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """The rows of tables/{name}.tsv, each as its columns."""
    lines = (_FOLDER / f"{name}.tsv").read_text("utf-8").splitlines()
    return tuple(tuple(line.split("\t")) for line in lines if line and not line.startswith("# "))


@cache
def pairs(name: str) -> dict[str, str]:
    """The first two columns of a table: what is written, and what is said for it."""
    return {row[0]: row[1] for row in rows(name)}
