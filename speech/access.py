"""API keys: who may call, as which tenant, for what and how much.

A key reads `mks_{prefix}_{secret}`. The prefix is shown and finds its row; the secret is 256 random bits, shown
once. Only its SHA-256 is stored: slow hashes protect what people think up, and nobody can guess 256 bits. Rows
are never deleted, so that keys go on being asked for after the last one was revoked.
"""

import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, select

from speech.database import Database
from speech.errors import InvalidRequest, NotFound, Unauthorized
from speech.jobs import DEFAULT_TENANT, rfc3339
from speech.schema import api_keys
from speech.settings import Settings

Scope = Literal["speak", "transcribe", "read", "propose", "edit", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
MARK = "mks_"
USED_EVERY = 60.0  # seconds between two notes that a key was used
_TEXT = re.compile(r"mks_([0-9a-f]{8})_([A-Za-z0-9_-]{43})\Z")
_TENANT = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?\Z")
_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]+(/[^\s/.*?][^\s/*?]*)*\Z")
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


@dataclass(frozen=True)
class Limits:
    """The most that a key may ask; None: the setting's, 0: no limit."""

    requests_per_minute: int | None = None
    queued_jobs: int | None = None
    audio_seconds_per_day: int | None = None

    def or_default(self, settings: Settings) -> "Limits":
        """The limits that hold: the setting's where the key has none of its own."""
        own = asdict(self)
        return Limits(
            **{
                name: getattr(settings, f"key_{name}") if limit is None else limit
                for name, limit in own.items()
            }
        )


@dataclass(frozen=True)
class NewKey:
    """A key as it is asked for."""

    name: str
    scopes: tuple[str, ...]
    tenant: str = DEFAULT_TENANT
    members: tuple[int, ...] | None = None  # None: every voice
    buckets: tuple[str, ...] | None = None  # gs:// prefixes; None: what its tenant may use
    limits: Limits = field(default_factory=Limits)
    lasts: float | None = None  # seconds; None: until revoked
    until: float | None = None  # seconds since 1970; whatever `lasts` says, it ends by then


@dataclass(frozen=True)
class ApiKey:
    """A row of the keys; times are seconds since 1970 by the store's clock."""

    id: str
    prefix: str
    tenant: str
    name: str
    scopes: tuple[str, ...]
    members: tuple[int, ...] | None
    buckets: tuple[str, ...] | None
    limits: Limits
    created: float
    expires: float | None
    revoked: float | None
    last_used: float | None

    def shown(self) -> dict[str, Any]:
        """The key as JSON; its secret is not known here."""
        return {
            "id": self.id,
            "object": "key",
            "name": self.name,
            "prefix": f"{MARK}{self.prefix}",
            "tenant": self.tenant,
            "scopes": list(self.scopes),
            "members": None if self.members is None else list(self.members),
            "buckets": None if self.buckets is None else list(self.buckets),
            "limits": asdict(self.limits),
            "created_at": rfc3339(self.created),
            "expires_at": rfc3339(self.expires),
            "revoked_at": rfc3339(self.revoked),
            "last_used_at": rfc3339(self.last_used),
        }


def create(db: Database, new: NewKey) -> tuple[ApiKey, str]:
    """A new key and its text, which is known here and now only. Raises InvalidRequest."""
    _check(new)
    prefix, secret, key_id = secrets.token_hex(4), secrets.token_urlsafe(32), str(uuid.uuid4())
    with db.write() as tx:
        row = {
            "id": key_id, "prefix": prefix, "hash": _hash(secret), "tenant": new.tenant,
            "name": new.name.strip(), "scopes": [one for one in SCOPES if one in new.scopes],
            "members": None if new.members is None else sorted(set(new.members)),
            "buckets": None if new.buckets is None else sorted(set(new.buckets)),
            **asdict(new.limits), "created": tx.now,
            "expires": _end(new, tx.now),
        }  # fmt: skip
        made = tx.connection.execute(api_keys.insert().values(row).returning(api_keys)).one()
    return _to_key(made), f"{MARK}{prefix}_{secret}"


def _end(new: NewKey, now: float) -> float | None:
    ends = (new.until, None if new.lasts is None else now + new.lasts)
    return min((end for end in ends if end is not None), default=None)


def _check(new: NewKey) -> None:
    if not (new.name.strip() and new.name.isprintable() and len(new.name) <= 100):
        raise InvalidRequest("bad_key_name", param="name")
    if not _TENANT.match(new.tenant):
        raise InvalidRequest("bad_tenant", param="tenant")
    if not new.scopes or not set(new.scopes) <= set(SCOPES):
        raise InvalidRequest("not_one_of", param="scopes", allowed=", ".join(SCOPES))
    for one in new.buckets or ():
        if not _BUCKET.match(one):
            raise InvalidRequest("bad_bucket", param="buckets", given=one[:80])


def find(connection: Connection, text: str, now: float) -> ApiKey:
    """The key of this text. Raises Unauthorized: key_unknown, key_revoked or key_expired.

    An unknown prefix costs the comparison that a wrong secret costs, so time tells nothing.
    """
    match = _TEXT.match(text)
    prefix, secret = match.groups() if match else ("", "")
    row = connection.execute(select(api_keys).where(api_keys.c.prefix == prefix)).one_or_none()
    if not hmac.compare_digest(row.hash if row else _NOBODY, _hash(secret)) or row is None:
        raise Unauthorized("key_unknown")
    return _good(_to_key(row), now)


def by_id(connection: Connection, key_id: str, now: float) -> ApiKey:
    """A key that a token names. Raises Unauthorized as `find`."""
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
    if row is None:
        raise Unauthorized("key_unknown")
    return _good(_to_key(row), now)


def refusal(connection: Connection, key_id: str, now: float) -> Unauthorized | None:
    """What `by_id` would raise by now; None: the key is good."""
    try:
        by_id(connection, key_id, now)
    except Unauthorized as error:
        return error
    return None


def _good(key: ApiKey, now: float) -> ApiKey:
    if key.revoked is not None:
        raise Unauthorized("key_revoked")
    if key.expires is not None and key.expires <= now:
        raise Unauthorized("key_expired")
    return key


def exist(connection: Connection) -> bool:
    """Whether a key was ever made; from then on keys are asked for."""
    return connection.execute(select(api_keys.c.id).limit(1)).first() is not None


def usable(db: Database) -> bool:
    """Whether anybody could come in with a key now."""
    with db.read() as connection:
        now = db.now(connection)
        good = api_keys.c.revoked.is_(None) & (
            api_keys.c.expires.is_(None) | (api_keys.c.expires > now)
        )
        return connection.execute(select(api_keys.c.id).where(good).limit(1)).first() is not None


def listed(db: Database, tenant: str | None = None) -> list[ApiKey]:
    """A tenant's keys, or everybody's, oldest first."""
    query = select(api_keys).order_by(api_keys.c.tenant, api_keys.c.created, api_keys.c.id)
    if tenant is not None:
        query = query.where(api_keys.c.tenant == tenant)
    with db.read() as connection:
        return [_to_key(row) for row in connection.execute(query)]


def revoke(db: Database, named: str, tenant: str | None = None) -> ApiKey:
    """End the key with this id or shown prefix, for good; again is fine. Raises NotFound("key_not_found")."""
    if not (named.isascii() and named.isprintable()):
        raise NotFound("key_not_found", key="")
    which = (api_keys.c.id == named) | (api_keys.c.prefix == named.removeprefix(MARK))
    if tenant is not None:
        which &= api_keys.c.tenant == tenant
    with db.write() as tx:
        still = api_keys.update().where(which, api_keys.c.revoked.is_(None))
        tx.connection.execute(still.values(revoked=tx.now))
        row = tx.connection.execute(select(api_keys).where(which)).one_or_none()
    if row is None:
        raise NotFound("key_not_found", key=named[:64])
    return _to_key(row)


def note_use(db: Database, key: ApiKey, now: float) -> None:
    """Write down that a key was used, at most once a minute."""
    if key.last_used is None or now - key.last_used >= USED_EVERY:
        with db.write() as tx:
            mine = api_keys.update().where(api_keys.c.id == key.id)
            tx.connection.execute(mine.values(last_used=tx.now))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _to_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        prefix=row.prefix,
        tenant=row.tenant,
        name=row.name,
        scopes=tuple(row.scopes),
        members=None if row.members is None else tuple(row.members),
        buckets=None if row.buckets is None else tuple(row.buckets),
        limits=Limits(row.requests_per_minute, row.queued_jobs, row.audio_seconds_per_day),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        last_used=row.last_used,
    )
