"""`moksori storage check`: tries the storage as the service uses it, and says what to change."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

from speech.errors import Conflict, SpeechError
from speech.filesystem import FileStorage
from speech.settings import Settings
from speech.storage import Storage, open_storage

if TYPE_CHECKING:
    from speech.gcs import GoogleStorage

ROOM = 1_000_000_000  # bytes; about six hours of speech as WAV
TEXT = b"moksori storage check"


@dataclass(frozen=True)
class Finding:
    """One thing that was tried: whether it is `ok`, `what` was found, and the `fix` when it is not."""

    ok: bool
    what: str
    fix: str = ""


def check(settings: Settings) -> list[Finding]:
    """Tries everything that the service asks of its storage, under a key of its own that it removes again.

    Takes about as long as ten requests, or settings.storage_deadline where nothing answers.
    """
    url = settings.artifacts_url
    try:
        storage = open_storage(settings)
        storage.probe()
    except (SpeechError, ValueError) as error:
        return [_unreachable(url, error)]
    found = [Finding(True, f"{url} answers"), *_rights(storage)]
    if isinstance(storage, FileStorage):
        return [*found, _room(storage.root), _hard_links(storage.root)]
    from speech.gcs_check import bucket_findings  # slow to import, not needed on one machine

    return [*found, *bucket_findings(cast("GoogleStorage", storage), settings)]


def format_findings(findings: list[Finding]) -> str:
    """The findings as lines for people, what is wrong followed by what to do."""
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what}")
        if not finding.ok:
            lines += [f"      {line}" for line in finding.fix.splitlines()]
    return "\n".join(lines)


def reason(error: BaseException) -> str:
    """An error with the one beneath it, where ours only says that storage does not answer."""
    cause = error.__cause__
    return f"{type(cause).__name__}: {cause}" if cause else str(error)


def _unreachable(url: str, error: BaseException) -> Finding:
    fix = "Make the folder writable for this user, and mount its disk."
    if urlsplit(url).scheme != "file":
        fix = (
            "Check the bucket's name in MOKSORI_STORAGE_URL, the network, and the credentials\n"
            "(GOOGLE_APPLICATION_CREDENTIALS or the machine's service account); see docs/storage.md."
        )
    return Finding(False, f"{url} cannot be used: {reason(error)}", fix)


def _rights(storage: Storage) -> Iterator[Finding]:
    """Writes, reads, copies and removes one small object; the first right that is missing ends it."""
    prefix = f"storage-check/{uuid4()}/"
    one, two = prefix + "one.txt", prefix + "two.txt"
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("write", lambda: storage.put(one, TEXT, "text/plain", "check-1")),
        ("read", lambda: _same(b"".join(storage.open(one)))),
        ("read a range", lambda: _same(b"".join(storage.open(one, 3, 9)), TEXT[3:9])),
        ("copy", lambda: storage.copy(one, two, "text/plain", "check-1", False)),
        ("create-only writes", lambda: _refused(storage, one)),
        ("create-only copies", lambda: _refused_copy(storage, one, two)),
        ("begin and give up an upload", lambda: _upload(storage, prefix + "upload")),
        ("list and delete", lambda: storage.delete_prefix(prefix)),
    ]
    for what, step in steps:
        try:
            step()
        except (SpeechError, AssertionError, OSError) as error:
            yield Finding(False, f"{what}: {reason(error)}", _right(what))
        else:
            yield Finding(True, what)


def _right(what: str) -> str:
    if what.startswith("create-only"):
        return "This storage overwrites what it should keep. Use Google Cloud Storage itself."
    return (
        "In a bucket: give the service account roles/storage.objectUser on it. In a folder: make it\n"
        "writable for the user that runs the service."
    )


def _same(found: bytes, wanted: bytes = TEXT) -> None:
    if found != wanted:
        raise AssertionError(f"read {found!r} where {wanted!r} was written")


def _refused(storage: Storage, key: str) -> None:
    try:
        storage.put(key, b"another", "text/plain", "check-2")
    except Conflict:
        return
    raise AssertionError("a second owner's object replaced the first")


def _refused_copy(storage: Storage, one: str, two: str) -> None:
    other = two + ".other"
    storage.put(other, b"another", "text/plain", "check-2")
    try:
        storage.copy(other, two, "text/plain", "check-2", False)
    except Conflict:
        return
    raise AssertionError("a second owner's copy replaced the first")


def _upload(storage: Storage, key: str) -> None:
    session = storage.begin_upload(key, 1, "text/plain", "check-1", None)
    storage.received(key, 1, session)
    storage.abandon_upload(key, session)


def _room(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    what = f"{free / 1e9:.1f} GB free in {root}"
    return Finding(free >= ROOM, what, f"Free at least {ROOM / 1e9:.0f} GB, or move the folder.")


def _hard_links(root: Path) -> Finding:
    part = root / f".{uuid4().hex}.partial"
    twin = part.with_suffix(".twin")
    try:
        part.touch()
        os.link(part, twin)
    except OSError as error:
        what = f"no hard links in {root} ({error.strerror}): each output is stored twice"
        return Finding(False, what, "Use a Linux file system such as ext4 or xfs for the folder.")
    finally:
        part.unlink(missing_ok=True)
        twin.unlink(missing_ok=True)
    return Finding(True, f"hard links in {root}: a copy takes no room")
