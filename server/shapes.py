"""What the routes answer, for openapi.json; a test checks real answers against these."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """An answer: nothing in it that is not written here."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ErrorDetail(Shape):
    """What is wrong, and where."""

    message: str
    type: str
    code: str
    param: str | None


class ErrorShape(Shape):
    """Every error, in OpenAI's shape."""

    error: ErrorDetail


class ProgressShape(Shape):
    """How far the work is."""

    fraction: float = Field(ge=0, le=1)
    step: str


class QueueShape(Shape):
    """A waiting job's place, from 1 and approximate, and when it may be ready (RFC 3339)."""

    position: int | None
    ready_between: list[str | None] | None


class JobErrorShape(Shape):
    """Why a job failed; `part` is the place of the part at fault, from 0."""

    code: str
    message: str
    part: int | None = None


class ArtifactShape(Shape):
    """A file that a job made; `url` is good until `url_expires_at`, `voice_version` is of what was spoken."""

    name: str
    content_type: str
    bytes: int
    sha256: str
    voice_version: str | None
    url: str
    url_expires_at: str


class ChildrenShape(Shape):
    """How many parts or items a job has."""

    total: int
    succeeded: int
    failed: int


class JobShape(Shape):
    """A job; times are RFC 3339 in UTC."""

    id: str
    object: Literal["job"]
    kind: Literal["speech", "transcription", "translation", "batch", "part", "check", "preview"]
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    lane: Literal["speech", "transcription"]
    priority: Literal["interactive", "batch"]
    progress: ProgressShape
    queue: QueueShape | None
    attempt: int
    request: dict[str, Any]
    result: dict[str, Any] | None
    error: JobErrorShape | None
    warnings: list[Any]
    outputs: list[str]
    artifacts: list[ArtifactShape]
    parent: str | None
    retry_of: str | None
    children: ChildrenShape
    created_at: str
    started_at: str | None
    finished_at: str | None
    expires_at: str | None
    events_url: str
    usage: dict[str, float]


class JobListShape(Shape):
    """A page of jobs; `next` goes into after=."""

    object: Literal["list"]
    data: list[JobShape]
    has_more: bool
    next: str | None


class UploadShape(Shape):
    """A file on its way: PUT its bytes to `url` while it is open; times are RFC 3339 in UTC."""

    id: str
    object: Literal["upload"]
    state: Literal["open", "complete"]
    name: str
    bytes: int
    content_type: str
    received: int
    url: str | None
    method: Literal["PUT"]
    chunk_bytes: int
    created_at: str
    expires_at: str


class TranscriptShape(BaseModel):
    """A transcript; verbose_json has all fields, text, srt and vtt are answered as plain text."""

    text: str
    task: str | None = None
    language: str | None = None
    duration: float | None = None
    segments: list[dict[str, Any]] | None = None
    words: list[dict[str, Any]] | None = None
    usage: dict[str, Any] | None = None


class ModelShape(Shape):
    """A model or one of its aliases."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelListShape(Shape):
    """All models."""

    object: Literal["list"]
    data: list[ModelShape]


class VoiceShape(Shape):
    """A member's voice; a request may name it by member, slug, name or alias."""

    id: str
    object: Literal["voice"]
    member: int
    slug: str
    name: str
    aliases: list[str]
    language: str
    sample_rate_hz: int
    version: str


class VoiceListShape(Shape):
    """All voices."""

    object: Literal["list"]
    data: list[VoiceShape]


class TextsShape(Shape):
    """The ids as they were sent, the sound's URL, and the job that made it."""

    uuid: str
    member_id: int | str
    created_at: str
    url: str
    job_id: str


class BatchStartedShape(Shape):
    """A batch that was accepted."""

    status: Literal["success"]
    task_id: str


class RowShape(Shape):
    """One URL of a batch: `text` once it succeeded, `error` when it did not."""

    url: str | None
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    text: str | None = None
    error: str | None = None


class BatchStatusShape(Shape):
    """A batch and its URLs, in the order given."""

    task_id: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    results: list[RowShape]


class HeardShape(Shape):
    """What was said, and in which language (ISO 639-1)."""

    text: str
    language: str


class PartShape(Shape):
    """Whether a part answers, and how fast; `ms` is null when it does not."""

    ok: bool | None
    ms: float | None


class HealthShape(Shape):
    """How the service is; memory in bytes, uptime in seconds."""

    status: Literal["ok"]
    model_loaded: bool
    gpu_memory_used: int
    response_time_ms: float | None
    store: PartShape
    storage: PartShape
    workers: dict[str, int]
    uptime: float
    version: str


class ReadyShape(Shape):
    """Whether requests are taken (the store decides) and what else answers; `workers` counts live ones a lane."""

    status: Literal["ready", "unavailable"]
    store: PartShape
    broker: PartShape
    storage: PartShape
    workers: dict[str, int]


class LimitsShape(Shape):
    """The most that one job takes."""

    text_characters: int
    upload_bytes: int
    audio_seconds: float


class WelcomeShape(Shape):
    """What this is, where to go from here, and how much is taken."""

    name: str
    version: str
    links: dict[str, str]
    limits: LimitsShape
