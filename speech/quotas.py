"""What a key has used of its limits: requests this minute, jobs that are open, audio today (all UTC).

Counted in the store, so it is exact for all processes and servers together. Windows are fixed, not sliding: a
row a key and a number, no list of moments.
"""

import math
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, or_, select

from speech.access import Limits
from speech.database import Tx
from speech.errors import LimitReached
from speech.schema import api_keys, jobs, key_usage
from speech.turns import upsert

MINUTE, DAY = 60, 86_400  # seconds
ROOM_AFTER = 5  # seconds; nobody knows when a job ends, so this is when asking again makes sense
_NOT_JOBS = ("batch", "part", "check", "preview")  # a batch counts by its items


@dataclass(frozen=True)
class Account:
    """The key that a request counts against, and the limits that hold for it; 0: no limit."""

    key: str
    limits: Limits


@dataclass(frozen=True)
class Standing:
    """How much is left of a limit, and in how many seconds it is whole again, where that is known."""

    what: str
    limit: int
    left: int
    window: int | None = None  # seconds
    whole_in: int | None = None  # seconds


def take_request(tx: Tx, account: Account) -> tuple[Standing, bool]:
    """Count a request of a key that has such a limit; where it stands then, and whether there was room."""
    limit, minute = account.limits.requests_per_minute or 0, int(tx.now // MINUTE)
    same = key_usage.c.period == minute
    row = {"api_key": account.key, "what": "requests", "period": minute, "used": 1.0}
    counted = tx.connection.execute(
        upsert(tx, key_usage)
        .values(row)
        .on_conflict_do_update(
            index_elements=["api_key", "what"],
            set_={"period": minute, "used": case((same, key_usage.c.used + 1.0), else_=1.0)},
            where=or_(~same, key_usage.c.used < limit),
        )
        .returning(key_usage.c.used)
    ).scalar()
    left = 0 if counted is None else limit - int(counted)
    return Standing("requests", limit, left, MINUTE, _rest(tx.now, MINUTE)), counted is not None


def standings(connection: Connection, account: Account, now: float) -> list[Standing]:
    """Where a key stands with its open jobs and its audio, as far as they are limited."""
    found, limits = [], account.limits
    if limits.queued_jobs:
        left = limits.queued_jobs - _open(connection, account)
        found.append(Standing("jobs", limits.queued_jobs, max(0, left)))
    if limits.audio_seconds_per_day:
        left = math.floor(limits.audio_seconds_per_day - _audio(connection, account, now))
        audio = Standing("audio", limits.audio_seconds_per_day, max(0, left), DAY, _rest(now, DAY))
        found.append(audio)
    return found


def check_room(tx: Tx, account: Account, new: int) -> None:
    """Refuse `new` more jobs over a limit. Raises LimitReached("too_many_jobs") or ("audio_used_up")."""
    limits = account.limits
    if limits.queued_jobs:
        # Of two at the same moment the second waits here, and counts the first one's jobs.
        mine = select(api_keys.c.id).where(api_keys.c.id == account.key)
        tx.connection.execute(mine.with_for_update())
        busy = _open(tx.connection, account)
        if busy + new > limits.queued_jobs:
            raise LimitReached(
                "too_many_jobs", limit=limits.queued_jobs, open=busy, seconds=ROOM_AFTER
            )
    if limits.audio_seconds_per_day:
        if _audio(tx.connection, account, tx.now) >= limits.audio_seconds_per_day:
            raise LimitReached(
                "audio_used_up", limit=limits.audio_seconds_per_day, seconds=_rest(tx.now, DAY)
            )


def count_audio(tx: Tx, key: str, seconds: float) -> None:
    """Add sound that was made or heard to a key's day."""
    day = int(tx.now // DAY)
    added = case((key_usage.c.period == day, key_usage.c.used + seconds), else_=seconds)
    tx.connection.execute(
        upsert(tx, key_usage)
        .values(api_key=key, what="audio", period=day, used=seconds)
        .on_conflict_do_update(
            index_elements=["api_key", "what"], set_={"period": day, "used": added}
        )
    )


def _open(connection: Connection, account: Account) -> int:
    mine = jobs.c.api_key == account.key
    rows = select(func.count()).where(
        mine, jobs.c.finished.is_(None), jobs.c.kind.not_in(_NOT_JOBS)
    )
    return int(connection.execute(rows).scalar_one())


def _audio(connection: Connection, account: Account, now: float) -> float:
    today = key_usage.c.period == int(now // DAY)
    mine = (key_usage.c.api_key == account.key, key_usage.c.what == "audio", today)
    return float(connection.execute(select(key_usage.c.used).where(*mine)).scalar() or 0.0)


def _rest(now: float, window: int) -> int:
    """Whole seconds to the end of a window, at least 1."""
    return max(1, math.ceil(window - now % window))
