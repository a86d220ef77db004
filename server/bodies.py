"""What each route takes: one pydantic model a body, one a query. Their fields are documented in docs/api.md."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from server.checking import Body
from server.cue_bodies import CueRulesBody, Preset
from server.hearing_bodies import HearingFields
from speech.access import Scope
from speech.openai_shapes import RESPONSES
from speech.sound_types import RATES
from speech.subtitles import WRITERS
from speech.tokens import LONGEST

AudioFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
SpeechFile = Literal["mp3", "opus", "aac", "flac", "wav", "pcm", "srt", "vtt", "json"]
# These follow the tables of writers, so that a new one is offered as soon as it is there.
if TYPE_CHECKING:
    TranscriptFile = str
    TranscriptFormat = str
    SampleRate = int
else:
    SampleRate = Literal[RATES]
    TranscriptFile = Literal[tuple(WRITERS)]
    TranscriptFormat = Literal[tuple(RESPONSES)]
Granularity = Literal["word", "segment"]
MONTH = 30 * 86_400.0  # seconds
MOST = 2_000_000_000  # what the store holds in a whole number


class VoiceId(Body):
    """OpenAI's other way to name a voice."""

    id: str


class SpeechFields(Body):
    """Text to be spoken."""

    input: str
    voice: str | int | VoiceId
    model: str = "tts-1"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    on_unknown: Literal["reject", "spell", "drop"] = "spell"
    sample_rate: SampleRate | None = None
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1)


class SpeechBody(SpeechFields):
    """POST /v1/audio/speech, and what it would say."""

    response_format: AudioFormat = "mp3"
    stream_format: Literal["audio", "sse"] | None = None


class TranslationFields(HearingFields):
    """A recording whose words are wanted in English."""

    model: str = "whisper-1"
    url: str | None = None
    upload: str | None = None
    preset: Preset | None = None
    cue_rules: CueRulesBody | None = None


class NameFields(Body):
    """A name as it is written, and how it may be said where that is not as it is written."""

    written: str = Field(min_length=1, max_length=100)
    spoken: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default=[], max_length=5
    )


class TranscriptionFields(TranslationFields):
    """A recording whose words are wanted in its own language."""

    language: str | None = None
    names: list[NameFields] | None = Field(default=None, max_length=500)
    lexicon: bool | None = None
    timestamp_granularities: list[Granularity] | None = None


class TranslationBody(TranslationFields):
    """POST /v1/audio/translations."""

    response_format: TranscriptFormat = "json"


class TranscriptionBody(TranscriptionFields):
    """POST /v1/audio/transcriptions."""

    response_format: TranscriptFormat = "json"
    stream: bool = False


class JobFields(Body):
    """What every job can be asked."""

    output: str | None = None
    priority: Literal["interactive", "batch"] = "interactive"
    ttl: float | None = Field(default=None, gt=0, le=MONTH)
    overwrite: bool = False


class SpeechJobBody(SpeechFields, JobFields):
    """POST /v1/jobs with kind speech."""

    kind: Literal["speech"]
    response_format: AudioFormat = "wav"
    formats: list[SpeechFile] | None = Field(default=None, min_length=1)


class TranscriptionJobBody(TranscriptionFields, JobFields):
    """POST /v1/jobs with kind transcription."""

    kind: Literal["transcription"]
    input: str | None = None
    seconds: float | None = Field(default=None, gt=0, le=1e6)
    formats: list[TranscriptFile] | None = Field(default=None, min_length=1)


class TranslationJobBody(TranslationFields, JobFields):
    """POST /v1/jobs with kind translation."""

    kind: Literal["translation"]
    input: str | None = None
    seconds: float | None = Field(default=None, gt=0, le=1e6)
    formats: list[TranscriptFile] | None = Field(default=None, min_length=1)


class BatchBody(Body):
    """POST /v1/jobs with kind batch: `items` are bodies of jobs; `inputs` and `manifest` places, `job` all the rest."""

    kind: Literal["batch"]
    items: list[dict[str, Any]] | None = Field(default=None, min_length=1)
    inputs: list[str] | None = Field(default=None, min_length=1)
    manifest: str | None = None
    job: dict[str, Any] | None = None
    output: str | None = None
    overwrite: bool = False
    priority: Literal["interactive", "batch"] = "batch"
    ttl: float | None = Field(default=None, gt=0, le=MONTH)


JOB_BODIES: dict[str, type[Body]] = {
    "speech": SpeechJobBody,
    "transcription": TranscriptionJobBody,
    "translation": TranslationJobBody,
    "batch": BatchBody,
}


class UploadBody(Body):
    """POST /v1/uploads."""

    bytes: int = Field(ge=1)
    name: str = ""
    content_type: str = Field(
        default="application/octet-stream", max_length=200, pattern=r"^[!-~]+/[ -~]+$"
    )


class JobsQuery(Body):
    """GET /v1/jobs."""

    limit: int = Field(default=20, ge=1, le=100)
    after: str | None = None
    parent: str | None = None
    state: list[Literal["queued", "running", "succeeded", "failed", "cancelled"]] = Field(
        default=[]
    )
    kind: list[
        Literal["speech", "transcription", "translation", "batch", "part", "check", "preview"]
    ] = Field(default=[])


class TextsBody(Body):
    """POST /api/texts."""

    uuid: str
    member_id: Any
    text: str
    created_at: str


class UrlsBody(Body):
    """POST /transcribe/batch."""

    urls: list[Annotated[str, Field(min_length=1, max_length=2048)]] = Field(min_length=1)
    language: str | None = None


class UrlBody(Body):
    """POST /transcribe/realtime."""

    url: str
    language: str | None = None


class FileBody(Body):
    """POST /transcribe/upload, beside its file."""

    language: str | None = None


class KeyBody(Body):
    """POST /v1/keys; what is left out is as the asking key has it."""

    name: str
    scopes: list[Scope] = Field(min_length=1)
    members: list[int] | None = Field(default=None, min_length=1)
    buckets: list[str] | None = None
    requests_per_minute: int | None = Field(default=None, ge=0, le=MOST)
    queued_jobs: int | None = Field(default=None, ge=0, le=MOST)
    audio_seconds_per_day: int | None = Field(default=None, ge=0, le=MOST)
    expires_in: int | None = Field(default=None, gt=0, le=MOST)


class TokenBody(Body):
    """POST /v1/tokens."""

    scopes: list[Literal["speak", "transcribe", "read", "propose", "edit"]] = Field(min_length=1)
    members: list[int] | None = Field(default=None, min_length=1)
    seconds: int | None = Field(default=None, gt=0, le=LONGEST)
