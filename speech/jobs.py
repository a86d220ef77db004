"""What a job is: its states, its fields, and its JSON."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Kind = Literal["speech", "transcription", "translation", "batch", "part", "check", "preview"]
Lane = Literal["speech", "transcription"]
Priority = Literal["interactive", "batch"]
Phase = Literal["work", "wait", "join", "copy"]

FINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
LANES: tuple[Lane, ...] = ("speech", "transcription")
LANE_OF: dict[str, Lane] = {
    "speech": "speech",
    "preview": "speech",
    "transcription": "transcription",
    "translation": "transcription",
    "check": "transcription",
}
DEFAULT_TENANT = "default"
RESERVED = ("t/", "wav_files/")  # starts of keys that no caller's `output` may have


@dataclass(frozen=True)
class Artifact:
    """A file that a job made; `key` is its place in storage, never shown to a client."""

    name: str
    key: str
    content_type: str
    size: int  # bytes
    sha256: str  # hex


@dataclass(frozen=True)
class NewJob:
    """A job as it is handed to the store."""

    kind: Kind
    lane: Lane
    request: dict[str, Any]  # as asked, without the media
    tenant: str = DEFAULT_TENANT
    priority: Priority = "interactive"
    input: dict[str, Any] | None = (
        None  # {"key": storage key} or {"url": https URL}, with "name" and "bytes" if known
    )
    outputs: tuple[
        str, ...
    ] = ()  # storage keys promised to the caller, one for each artifact name in `promised`
    promised: tuple[str, ...] = ()  # the artifact names that are copied to `outputs`, in that order
    overwrite: bool = False
    ttl: float | None = None  # seconds from creation to the end, whatever happens
    retry_of: str | None = None
    id: str | None = (
        None  # for a caller that must know it beforehand (an upload's key); else made here
    )
    api_key: str | None = None  # the id of the key whose limits it counts against


@dataclass(frozen=True)
class Job:
    """One row of the store; times are seconds since 1970 by the store's clock."""

    id: str
    kind: Kind
    lane: Lane
    state: State
    tenant: str
    priority: Priority
    phase: Phase
    attempt: int  # rises with every claim: the fencing token
    request: dict[str, Any]
    input: dict[str, Any] | None
    outputs: tuple[str, ...]
    promised: tuple[str, ...]
    overwrite: bool
    result: dict[str, Any] | None
    error: dict[str, Any] | None  # {"code", "fields", "param", "class"}
    warnings: list[Any]
    artifacts: tuple[Artifact, ...]
    fraction: float
    step: str
    seq: int  # rises with every change a reader may want to see
    parent: str | None
    root: str
    part: int | None  # place among its siblings, from 0
    retry_of: str | None
    children: dict[str, int]  # total, succeeded, failed
    open_children: int
    cancel_requested: bool
    winner: int | None  # the attempt whose bytes count
    created: float
    started: float | None
    finished: float | None
    expires: float | None
    ttl: float | None
    usage: dict[str, float] = field(default_factory=dict)
    api_key: str | None = None

    @property
    def final(self) -> bool:
        """True when nothing will change any more."""
        return self.state in FINAL

    @property
    def files_expired(self) -> bool:
        """True when retention, or a voice that was taken back, has taken its files."""
        taken = {"files_expired", "voice_was_revoked"}
        return any(isinstance(one, dict) and one.get("code") in taken for one in self.warnings)


def job_prefix(job: Job) -> str:
    """Where everything of a job is stored."""
    return f"t/{job.tenant}/jobs/{job.id}/"


def attempt_key(job: Job, name: str, attempt: int | None = None) -> str:
    """Where an attempt's own bytes are stored; by default those of the present one."""
    return f"{job_prefix(job)}{job.attempt if attempt is None else attempt}/{name}"


def piece_name(number: int) -> str:
    """What the sound of a streamed job's sentence is called under its attempt."""
    return f"stream/{number}"


def rfc3339(seconds: float | None) -> str | None:
    """A time as RFC 3339 in UTC with milliseconds, or None."""
    if seconds is None:
        return None
    stamp = datetime.fromtimestamp(round(seconds, 3), UTC)
    return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
