"""Uploads: files that come in pieces, and that jobs name once they are whole.

`open` until the last byte is safe, then `complete`. A job may name a complete one as long as its row is there; while it
is, its bytes stay. With the last job that was made of it an upload is erased too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, tuple_

from speech.database import Tx
from speech.errors import NotFound
from speech.jobs import NewJob
from speech.schema import uploads

State = Literal["open", "complete"]


@dataclass(frozen=True)
class Upload:
    """One row; times are seconds since 1970 by the store's clock."""

    id: str
    tenant: str
    state: State
    key: str  # its place in storage, never shown to a client
    name: str  # as the client calls the file; shown, never used as a path
    bytes: int  # as declared: what is stored has to have as many
    content_type: str
    created: float
    expires: float
    session: str | None = field(repr=False)  # where a bucket takes the bytes; None: they come to us

    def as_input(self) -> dict[str, Any]:
        """A job's input that is this file."""
        return {"key": self.key, "name": self.name, "bytes": self.bytes, "upload": self.id}


def add(tx: Tx, ttl: float, **fields: Any) -> Upload:
    """A new open upload that is kept for `ttl` seconds."""
    made = Upload(state="open", created=tx.now, expires=tx.now + ttl, **fields)
    tx.connection.execute(insert(uploads).values(vars(made)))
    return made


def get(connection: Connection, upload_id: str, tenant: str | None = None) -> Upload:
    """A tenant's upload, or anybody's where a signature has spoken. Raises NotFound("upload_not_found")."""
    mine = [uploads.c.tenant == tenant] if tenant is not None else []
    row = None
    # PostgreSQL refuses some strings, such as a NUL, instead of finding nothing.
    if len(upload_id) <= 36 and upload_id.isprintable():
        found = select(uploads).where(uploads.c.id == upload_id, *mine)
        row = connection.execute(found).one_or_none()
    if row is None:
        raise NotFound("upload_not_found", upload=upload_id)
    return _upload(row)


def complete(tx: Tx, upload: Upload, ttl: float) -> Upload:
    """The file is whole; its time begins anew. Raises NotFound("upload_not_found") when it was given up just now."""
    row = tx.connection.execute(
        uploads.update()
        .where(uploads.c.id == upload.id)
        .values(state="complete", expires=tx.now + ttl)
        .returning(uploads)
    ).one_or_none()
    if row is None:
        raise NotFound("upload_not_found", upload=upload.id)
    return _upload(row)


def hold(tx: Tx, new: Iterable[NewJob]) -> None:
    """Keep the uploads that these jobs name until their rows are there.

    Raises NotFound("upload_not_found") for one that was removed since it was looked at.
    """
    named = sorted({job.input["upload"] for job in new if job.input and "upload" in job.input})
    if not named:
        return
    held = (
        select(uploads.c.id)
        .where(uploads.c.id.in_(named), uploads.c.state == "complete")
        .order_by(uploads.c.id)
        .with_for_update()
    )
    lost = set(named) - set(tx.connection.execute(held).scalars())
    if lost:
        raise NotFound("upload_not_found", param="upload", upload=min(lost))


def lock_keys(connection: Connection, keys: Iterable[str]) -> None:
    """Let no new job name what lies under these keys while it is found out whether others use it."""
    found = select(uploads.c.id).where(uploads.c.key.in_(list(keys)))
    connection.execute(found.order_by(uploads.c.id).with_for_update())


def forget_keys(connection: Connection, keys: Iterable[str]) -> None:
    """The objects under these keys go: so do the uploads that made them."""
    connection.execute(delete(uploads).where(uploads.c.key.in_(list(keys))))


def stored(connection: Connection, keys: Iterable[str]) -> set[str]:
    """Those of the keys that are an upload's."""
    found = select(uploads.c.key).where(uploads.c.key.in_(list(keys)))
    return set(connection.execute(found).scalars())


def expired(
    connection: Connection, now: float, after: tuple[float, str], limit: int
) -> list[Upload]:
    """Uploads whose time is over, the oldest first, from the (expires, id) `after` on."""
    place = tuple_(uploads.c.expires, uploads.c.id) > tuple_(after[0], after[1])
    late = (
        select(uploads)
        .where(uploads.c.expires >= after[0], uploads.c.expires < now, place)
        .order_by(uploads.c.expires, uploads.c.id)
        .limit(limit)
    )
    return [_upload(row) for row in connection.execute(late)]


def _upload(row: Row[Any]) -> Upload:
    return Upload(**row._mapping)
