"""The ledger of voices: each version by checksum, with what its member agreed to; and who took that back."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from speech.database import Tx
from speech.errors import Forbidden
from speech.jobs import rfc3339
from speech.schema import revoked_voices, voice_ledger
from speech.turns import upsert
from speech.voices import Voice


def record(tx: Tx, voices: Iterable[Voice]) -> None:
    """Write versions down that are not there yet; what is there stays as it was first seen."""
    rows = [
        {
            "member": voice.member,
            "version": voice.version,
            "slug": voice.slug,
            "name": voice.name,
            "files": {role: file.sha256 for role, file in voice.files.items()},
            "consent": dict(voice.consent),
            "seen": tx.now,
        }
        for voice in voices
    ]
    if rows:
        tx.connection.execute(upsert(tx, voice_ledger).on_conflict_do_nothing(), rows)


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Every version ever seen, by member, the oldest first; `revoked_at` where its member took consent back."""
    gone = revoked(connection)
    rows = connection.execute(
        select(voice_ledger).order_by(voice_ledger.c.member, voice_ledger.c.seen)
    )
    return [_shown(row, gone.get(row.member)) for row in rows]


def revoked(connection: Connection) -> dict[int, float]:
    """Members whose voices may not be used, and since when (seconds since 1970)."""
    rows = connection.execute(select(revoked_voices.c.member, revoked_voices.c.revoked))
    return {row.member: row.revoked for row in rows}


def refuse_revoked(connection: Connection, voice: Voice, param: str = "voice") -> None:
    """Raises Forbidden("voice_revoked")."""
    asked = select(revoked_voices.c.member).where(revoked_voices.c.member == voice.member)
    if connection.execute(asked).first():
        raise Forbidden("voice_revoked", param=param, voice=voice.slug)


def revoke(tx: Tx, member: int, by: str) -> None:
    """From the commit on no new job may use the voice; to say it twice changes nothing."""
    new = upsert(tx, revoked_voices).values(member=member, revoked=tx.now, by=by[:200])
    tx.connection.execute(new.on_conflict_do_nothing())


def allow_again(tx: Tx, member: int) -> bool:
    """Take a revocation back; what was removed stays removed. Whether there was one."""
    gone = delete(revoked_voices).where(revoked_voices.c.member == member)
    return bool(tx.connection.execute(gone).rowcount)


def _shown(row: Row[Any], gone: float | None) -> dict[str, Any]:
    told = dict(row._mapping)
    seen = told.pop("seen")
    return told | {"seen_at": rfc3339(seen), "revoked_at": rfc3339(gone)}
