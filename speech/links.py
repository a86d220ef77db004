"""Our own signed links: a file or a job's events by URL, for a while, without headers."""

import hashlib
import math
import os
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from itsdangerous import BadData, URLSafeSerializer

from speech.errors import Gone, NotFound
from speech.settings import Settings

_TRACK = "track:"  # starts no key of storage, so that neither kind of link opens the other


@dataclass(frozen=True)
class Link:
    """What a token says: `key` in storage, and how the file is to be shown."""

    key: str
    name: str
    content_type: str
    expires: int  # seconds since 1970


def signer(secret: str, salt: str) -> URLSafeSerializer:
    """What signs and reads one kind of token; those of another salt are refused."""
    how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret, salt=salt, signer_kwargs=how)


class Links:
    """Mints and reads {base_url}/files/{token}/{name}, …/events/{token}, …/uploads/{token}; the token decides."""

    def __init__(self, base_url: str, secret: str, now: Callable[[], float] = time.time) -> None:
        self._base, self._now = base_url.rstrip("/"), now
        self._files = signer(secret, "moksori.links.v1")
        self._events = signer(secret, "moksori.events.v1")
        self._uploads = signer(secret, "moksori.uploads.v1")

    @classmethod
    def from_settings(cls, settings: Settings) -> "Links":
        """Links under the public URL, signed with the settings' secret or the data folder's."""
        return cls(settings.links_url, load_secret(settings))

    def url(self, key: str, name: str, content_type: str, seconds: int) -> str:
        """An absolute URL good for `seconds`; `name` may hold slashes, its last part names the file."""
        return self._minted("files", key, name, content_type, seconds)

    def track_url(self, track: str, name: str, content_type: str, seconds: int) -> str:
        """As `url`, of subtitles that are rendered when they are asked for; `track` says what to render."""
        return self._minted("tracks", f"{_TRACK}{track}", name, content_type, seconds)

    def _minted(self, place: str, key: str, name: str, content_type: str, seconds: int) -> str:
        composed = unicodedata.normalize("NFC", name)
        payload = [key, composed, content_type, math.ceil(self._now() + seconds)]
        token = self._files.dumps(payload)
        return f"{self._base}/{place}/{as_text(token)}/{quote(composed, safe='/')}"

    def read(self, token: str) -> Link:
        """What a token stands for. Raises NotFound("link_invalid") or NotFound("link_expired")."""
        try:
            key, name, content_type, expires = self._files.loads(token)
        except (BadData, ValueError, TypeError) as error:
            raise NotFound("link_invalid") from error
        link = Link(key, name, content_type, expires)
        if self._now() >= link.expires:
            raise NotFound("link_expired")
        return link

    def read_track(self, token: str) -> Link:
        """What a track's token stands for; its `key` is the track. Raises as `read` does."""
        link = self.read(token)
        if not link.key.startswith(_TRACK):
            raise NotFound("link_invalid")
        return replace(link, key=link.key.removeprefix(_TRACK))

    def events_url(self, job: str, tenant: str, seconds: int) -> str:
        """An absolute URL of a tenant's job's events, good for `seconds`."""
        token = self._events.dumps([job, tenant, math.ceil(self._now() + seconds)])
        return self.same_events_url(as_text(token))

    def same_events_url(self, token: str) -> str:
        """The URL that a token of events_url came in; it is good for no longer than it was."""
        return f"{self._base}/events/{token}"

    def read_events(self, token: str) -> tuple[str, str]:
        """The (job, tenant) that a token of events_url names. Raises NotFound as `read`."""
        try:
            job, tenant, expires = self._events.loads(token)
        except (BadData, ValueError, TypeError) as error:
            raise NotFound("link_invalid") from error
        if self._now() >= expires:
            raise NotFound("link_expired")
        return job, tenant

    def upload_url(self, upload_id: str, expires: float) -> str:
        """An absolute URL that takes the bytes of one upload until `expires` (seconds since 1970)."""
        token = self._uploads.dumps([upload_id, math.ceil(expires)])
        return f"{self._base}/uploads/{as_text(token)}"

    def read_upload(self, token: str) -> str:
        """The id of the upload that a token opens. Raises NotFound("link_invalid") or Gone("upload_gone")."""
        try:
            upload_id, expires = self._uploads.loads(token)
        except (BadData, ValueError, TypeError) as error:
            raise NotFound("link_invalid") from error
        if self._now() >= expires:
            raise Gone("upload_gone")
        return str(upload_id)

    def seconds_left(self, link: Link) -> int:
        """Whole seconds that a link is still good for."""
        return max(0, int(link.expires - self._now()))


def disposition(name: str) -> str:
    """The Content-Disposition that shows a file in place and saves it as `name` (RFC 6266).

    Only the last part of a name with slashes counts; a Korean name is composed (NFC), whatever it came in.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(c for c in last if c.isprintable()) or "file"
    plain = "".join(c if c.isascii() and c not in '"%' else "_" for c in clean)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='')}"


def load_secret(settings: Settings) -> str:
    """The key that signs links: the setting, or 256 random bits made once in the data folder.

    Safe when several processes start at once: all get the key of the one that came first.
    """
    return settings.secret or _secret_in(settings.data / "secret")


def _secret_in(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path, secrets.token_urlsafe(32))
    return path.read_text("ascii").strip()


def _create(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{uuid4().hex}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # create-only, and whole from the first moment on
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        part.unlink()


def as_text(token: Any) -> str:
    """A signed token as text, whichever way its serializer makes it."""
    return token.decode("ascii") if isinstance(token, bytes) else str(token)
