"""The limits of the caller's key: counted before a view runs, shown on every answer.

RateLimit-Policy and RateLimit as in https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
(since -08): q the limit, w its window in seconds, r what is left, t the seconds until it is whole again.
"""

from contextlib import suppress

from flask import Response, g

from server.service import here
from speech import quotas
from speech.errors import LimitReached, Unavailable
from speech.quotas import Account, Standing


def count_request(account: Account) -> None:
    """Count this request against its key. Raises LimitReached("rate_limited")."""
    g.account = account
    if not account.limits.requests_per_minute:
        return
    with here().store.db.write() as tx:
        g.requests, room = quotas.take_request(tx, account)
    if not room:
        seconds = g.requests.whole_in
        raise LimitReached("rate_limited", limit=g.requests.limit, seconds=seconds)


def show_limits(response: Response) -> Response:
    """Tell a limited key where it stands, on whatever answer it gets."""
    found = [g.requests] if "requests" in g else []
    if "account" in g:
        with suppress(Unavailable):
            found += _standings(g.account)
    if found:
        response.headers["RateLimit-Policy"] = ", ".join(map(_policy, found))
        response.headers["RateLimit"] = ", ".join(map(_left, found))
    return response


def _standings(account: Account) -> list[Standing]:
    if not (account.limits.queued_jobs or account.limits.audio_seconds_per_day):
        return []
    db = here().store.db
    with db.read() as connection:
        return quotas.standings(connection, account, db.now(connection))


def _policy(one: Standing) -> str:
    return f'"{one.what}";q={one.limit}' + ("" if one.window is None else f";w={one.window}")


def _left(one: Standing) -> str:
    return f'"{one.what}";r={one.left}' + ("" if one.whole_in is None else f";t={one.whole_in}")
