"""How cues are wanted: the rules of speech/cue_rules.py as fields of a body and of a query."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, create_model

from server.checking import Body
from speech.cue_rules import PRESETS, CueRules


def _rule_fields() -> dict[str, Any]:
    """A field for each rule, left out by default, with the rule's own range."""
    made: dict[str, Any] = {}
    for rule in fields(CueRules):
        kind = type(rule.default)
        bounds = {} if kind is bool else {"ge": rule.metadata["low"], "le": rule.metadata["high"]}
        limits = Field(default=None, description=rule.metadata["help"], **bounds)
        made[rule.name] = (kind | None, limits)
    return made


# These follow the rules and presets, so that a new one can be asked for as soon as it is there.
if TYPE_CHECKING:
    Preset = str

    class CueRulesBody(Body):
        """Single rules that differ from the preset's."""
else:
    Preset = Literal[tuple(PRESETS)]
    CueRulesBody = create_model("CueRulesBody", __base__=Body, **_rule_fields())


class CuesQuery(CueRulesBody):
    """GET /v1/transcripts/{job_id}/cues.json: a preset, and single rules that differ from it."""

    preset: Preset | None = None
    version: int | None = Field(default=None, ge=0)


class PageQuery(CuesQuery):
    """GET /v1/transcripts/{job_id}."""

    syllables: bool = False


class TrackQuery(CuesQuery):
    """GET /v1/transcripts/{job_id}/subtitles.vtt; `mpegts` and `local` are X-TIMESTAMP-MAP of RFC 8216, 3.5."""

    mpegts: int | None = Field(default=None, ge=0, lt=2**33)
    local: float = Field(default=0.0, ge=0, le=86_400)


class LintFileBody(Body):
    """POST /v1/subtitles:lint, beside its file."""

    preset: Preset | None = None
    cue_rules: CueRulesBody | None = None


class LintBody(LintFileBody):
    """POST /v1/subtitles:lint with the subtitles as text."""

    text: str


def changes(body: CueRulesBody | None) -> dict[str, Any]:
    """The rules that a body or query names."""
    names = {rule.name for rule in fields(CueRules)}
    return body.model_dump(include=names, exclude_none=True) if body else {}
