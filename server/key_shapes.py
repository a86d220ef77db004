"""What the routes of keys and tokens answer."""

from typing import Literal

from server.shapes import Shape


class KeyLimitsShape(Shape):
    """The most that a key may ask; null: the setting's, 0: no limit."""

    requests_per_minute: int | None
    queued_jobs: int | None
    audio_seconds_per_day: int | None


class KeyShape(Shape):
    """An API key without its secret; `members` or `buckets` of null: no restriction of its own."""

    id: str
    object: Literal["key"]
    name: str
    prefix: str
    tenant: str
    scopes: list[str]
    members: list[int] | None
    buckets: list[str] | None
    limits: KeyLimitsShape
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class NewKeyShape(KeyShape):
    """A key just made; `key` is shown this once."""

    key: str


class KeyListShape(Shape):
    """All keys of a tenant."""

    object: Literal["list"]
    data: list[KeyShape]
    has_more: bool
    next: str | None


class TokenShape(Shape):
    """A token for a browser; it is sent as a key is."""

    object: Literal["token"]
    token: str
    scopes: list[str]
    members: list[int] | None
    expires_at: str
