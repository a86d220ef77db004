"""What a key hands on to a new key or a token: some of its own, never more."""

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import TypeVar

from speech.access import Limits
from speech.errors import Forbidden

Right = TypeVar("Right")


def within(
    given: Iterable[Right] | None, own: tuple[Right, ...] | None, param: str
) -> tuple[Right, ...] | None:
    """What is given, or all that the giver has where nothing is named; None: without restriction.

    Raises Forbidden("not_yours_to_give").
    """
    if given is None:
        return own
    asked = tuple(dict.fromkeys(given))
    if own is not None and not set(asked) <= set(own):
        raise _refused(param, own)
    return asked


def buckets_within(given: list[str] | None, own: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """As `within`, for places: one below a place of the giver's is the giver's too."""
    if given is None or own is None:
        return own if given is None else tuple(given)
    for place in given:
        if not any(f"{place.rstrip('/')}/".startswith(f"{one}/") for one in own):
            raise _refused("buckets", own)
    return tuple(given)


def limits_within(given: Limits, own: Limits, most: Limits) -> Limits:
    """As `within`, for limits; `most` is what really holds for the giver, its own or the settings'."""
    made = {}
    for name in (one.name for one in fields(Limits)):
        asked, limit = getattr(given, name), getattr(most, name)
        if asked is not None and limit and not 0 < asked <= limit:
            raise _refused(name, [f"1 - {limit}"])
        made[name] = getattr(own, name) if asked is None else asked
    return Limits(**made)


def seconds_within(given: int | None, left: float | None) -> int | None:
    """As `within`, for how long a key lasts; `left` is the giver's own rest in seconds, None: until revoked."""
    if given is not None and left is not None and given > left:
        raise _refused("expires_in", [f"1 - {math.floor(left)}"])
    return given


def _refused(param: str, own: Iterable[object]) -> Forbidden:
    return Forbidden("not_yours_to_give", param=param, allowed=list(own) or ["-"])
