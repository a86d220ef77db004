"""How a recording is to be heard: the engine's options as fields, by their own names; see docs/transcription.md."""

from typing import Any, Literal

from pydantic import Field, model_validator

from server.checking import Body
from server.service import here
from speech.errors import InvalidRequest
from speech.languages import parse_language

SPEAKERS = (
    "diarization", "speakers", "min_speakers", "max_speakers", "known_speaker_names",
    "known_speaker_references",
)  # fmt: skip
LISTS = frozenset(
    {"timestamp_granularities", "languages", "include", "known_speaker_names"}
    | {"known_speaker_references"}
)  # fields that may stand more than once in a form


class VadFields(Body):
    """What counts as speech: Silero's parameters, by faster-whisper's names."""

    threshold: float = Field(default=0.5, gt=0, lt=1)
    neg_threshold: float | None = Field(default=None, gt=0, lt=1)
    min_speech_duration_ms: int = Field(default=0, ge=0, le=10_000)
    min_silence_duration_ms: int = Field(default=160, ge=0, le=10_000)
    speech_pad_ms: int = Field(default=400, ge=0, le=2_000)


class ServerVad(Body):
    """OpenAI's way to say some of the same."""

    type: Literal["server_vad"]
    threshold: float = Field(default=0.5, gt=0, lt=1)
    prefix_padding_ms: int = Field(default=300, ge=0, le=2_000)
    silence_duration_ms: int = Field(default=200, ge=0, le=10_000)


class HearingFields(Body):
    """What of the recording is heard, and how."""

    track: int | None = Field(default=None, ge=0, le=99)
    channel: Literal["mix", "left", "right", "each"] | None = None
    prompt: str | None = Field(default=None, max_length=10_000)
    temperature: float = Field(default=0.0, ge=0.0, le=1.0)
    hotwords: str | None = Field(default=None, max_length=10_000)
    beam_size: int | None = Field(default=None, ge=1, le=10)
    vad_filter: bool | None = None
    vad_parameters: VadFields | None = None
    chunking_strategy: Literal["auto"] | ServerVad | None = None
    without_timestamps: bool | None = None
    languages: list[str] | None = Field(default=None, min_length=1, max_length=100)
    language_detection_threshold: float | None = Field(default=None, ge=0, le=1)
    confidence_threshold: float | None = Field(default=None, ge=0, le=1)

    diarization: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def speakers(cls, data: Any) -> Any:
        """Refuse what needs an engine that tells speakers apart, unless one is installed.

        Raises InvalidRequest("no_diarization") or, for more than `diarization`, ("field_not_supported").
        """
        asked = [name for name in SPEAKERS if isinstance(data, dict) and name in data]
        if isinstance(data, dict) and data.get("response_format") == "diarized_json":
            asked.append("response_format")
        installed = here().settings.transcription_speakers
        if asked and not installed:
            raise InvalidRequest("no_diarization", param=asked[0])
        for name in asked:
            if name != "diarization":
                raise InvalidRequest("field_not_supported", param=name)
        return data


def hearing_request(body: HearingFields) -> dict[str, Any]:
    """What a job's request keeps of the options that were given.

    Raises InvalidRequest("not_both"), ("unknown_language").
    """
    kept: dict[str, Any] = {
        name: getattr(body, name)
        for name in HearingFields.model_fields
        if name not in {"vad_parameters", "chunking_strategy", "languages"}
    }
    kept["vad_parameters"] = _vad(body)
    kept["languages"] = _languages(body.languages or [])
    return {name: value for name, value in kept.items() if value not in (None, {}, [])}


def _vad(body: HearingFields) -> dict[str, Any]:
    asked, theirs = body.vad_parameters, body.chunking_strategy
    if asked is not None and isinstance(theirs, ServerVad):
        raise InvalidRequest("not_both", param="chunking_strategy", other="vad_parameters")
    if isinstance(theirs, ServerVad):
        return {
            "threshold": theirs.threshold,
            "speech_pad_ms": theirs.prefix_padding_ms,
            "min_silence_duration_ms": theirs.silence_duration_ms,
        }
    return asked.model_dump(exclude_unset=True, exclude_none=True) if asked else {}


def _languages(given: list[str]) -> list[str]:
    """Whisper's codes, each once; "auto" would allow everything, so it is no entry of a list."""
    codes = [parse_language(one, "languages") for one in given]
    if None in codes:
        raise InvalidRequest("bad_value", param="languages", reason="name each language")
    return [code for code in dict.fromkeys(codes) if code]
