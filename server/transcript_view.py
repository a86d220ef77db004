"""A finished transcript as it is looked at: its words as they stand, and the rules for its cues."""

from dataclasses import dataclass

from server.cue_bodies import CuesQuery, changes
from server.service import Service, tenant
from server.transcripts import transcript_of
from speech import correction_rows
from speech.corrections import correct
from speech.cue_rules import CueRules, preset_of, rules_for
from speech.cues import Cue, build
from speech.errors import NotFound
from speech.jobs import Job
from speech.transcript import Transcript
from speech.words import Placed, placed, with_words, written_language

KINDS = ("transcription", "translation")


@dataclass(frozen=True)
class View:
    """What a reader asked to see of one transcript; `version` counts the corrections that it holds."""

    job: Job
    transcript: Transcript
    words: list[Placed]
    version: int
    preset: str
    rules: CueRules

    @property
    def cues(self) -> list[Cue]:
        """The cues by these rules."""
        return build(self.words, self.rules)


def look(service: Service, job_id: str, query: CuesQuery, whose: str | None = None) -> View:
    """The transcript of a tenant's job, cut as the query asks, by default as the job itself was.

    Raises NotFound("job_not_found"), ("no_transcript") or ("version_not_found"), Gone, InvalidRequest.
    """
    job = transcribed(service, job_id, whose or tenant())
    transcript = with_words(transcript_of(service, job))
    language = written_language(transcript)
    asked = job.request if query.preset is None else {}
    preset = query.preset or asked.get("preset") or preset_of(language)
    rules = rules_for(language, preset, (asked.get("cue_rules") or {}) | changes(query))
    words, version = corrected(service, job, transcript, query.version)
    return View(job, transcript, words, version, preset, rules)


def corrected(
    service: Service, job: Job, transcript: Transcript, version: int | None = None
) -> tuple[list[Placed], int]:
    """The words of a version, by default the newest, and its number. Raises NotFound("version_not_found")."""
    with service.store.db.read() as connection:
        accepted = correction_rows.accepted(connection, job.id)
    newest = len(accepted)
    if version is not None and version > newest:
        raise NotFound("version_not_found", param="version", version=version, latest=newest)
    upto = newest if version is None else version
    words, language = placed(transcript), written_language(transcript)
    for one in accepted[:upto]:
        words = correct(words, one, language) or words
    return words, upto


def transcribed(service: Service, job_id: str, whose: str) -> Job:
    """A tenant's job that has a transcript. Raises NotFound."""
    if "\0" in job_id:
        raise NotFound("job_not_found", job="")
    job = service.store.get(job_id[:64], whose)
    if job.kind not in KINDS or job.state != "succeeded":
        raise NotFound("no_transcript", job=job.id, kind=job.kind, state=job.state)
    return job
