"""One finding of `moksori doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """One thing that was looked at; `fix` says what to do when it is not as it should be."""

    ok: bool
    what: str
    fix: str = ""
