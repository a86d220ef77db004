"""Corrections of a transcript: viewers propose, editors decide, and every version can be read."""

from typing import Any

from flask import Blueprint, Response, jsonify

from server.caller import caller
from server.checking import check
from server.contract import JSON, Told, tells
from server.correction_bodies import (
    CorrectionBody,
    CorrectionListShape,
    CorrectionShape,
    CorrectionsQuery,
    DecisionBody,
    PairListShape,
    VersionListShape,
)
from server.json_body import read_json
from server.query import read_query
from server.service import here, tenant
from server.transcript_view import corrected, transcribed
from server.transcripts import transcript_of
from speech import correction_rows
from speech.corrections import Correction, diff, find, pairs, text_of
from speech.errors import InvalidRequest, TooLarge
from speech.jobs import Job, rfc3339
from speech.words import Placed

routes = Blueprint("corrections", __name__)

MOST_WORDS = (
    500  # of one correction: every view compares old and new words, which grows with the square
)


@routes.post("/v1/transcripts/<job_id>/corrections")
@tells(
    Told(body={JSON: (CorrectionBody,)}, answers={201: CorrectionShape}, scope=("propose", "edit"))
)
def propose(job_id: str) -> Response:
    """Propose another text for some words of a transcript, by their ids; it changes nothing yet."""
    service = here()
    body = check(CorrectionBody, read_json(service.settings.json_max_bytes))
    job = transcribed(service, job_id, tenant())
    words, base = corrected(service, job, transcript_of(service, job), body.version)
    old, text = _named(words, body), " ".join(body.text.split())
    if text == text_of(old):
        raise InvalidRequest("correction_same", param="text")
    with service.store.writing() as tx:
        correction_rows.refuse_outdated(tx.connection, job.id, body.first, body.last, base)
        made = correction_rows.propose(
            tx, tenant(), job=job.id, first=body.first, last=body.last, start=old[0].word.start,
            end=old[-1].word.end, before=text_of(old), after=text, base=base, proposed_by=_who(body.by),
        )  # fmt: skip
    response = jsonify(_correction(made))
    response.status_code = 201
    return response


@routes.get("/v1/transcripts/<job_id>/corrections")
@tells(Told(query=CorrectionsQuery, answers={200: CorrectionListShape}, scope=("read", "edit")))
def listed(job_id: str) -> Response:
    """List the corrections of a transcript, a page at a time."""
    job, query = _job(job_id), read_query(CorrectionsQuery)
    with here().store.db.read() as connection:
        found = correction_rows.page(connection, job.id, query.state, query.after, query.limit + 1)
    more, found = len(found) > query.limit, found[: query.limit]
    following = found[-1].id if more else None
    data = [_correction(one) for one in found]
    return jsonify({"object": "list", "data": data, "has_more": more, "next": following})


@routes.post("/v1/transcripts/<job_id>/corrections/<correction_id>")
@tells(Told(body={JSON: (DecisionBody,)}, answers={200: CorrectionShape}, scope="edit"))
def decide(job_id: str, correction_id: str) -> Response:
    """Accept a correction, which makes a new version of the transcript, or reject it."""
    service = here()
    body = check(DecisionBody, read_json(service.settings.json_max_bytes))
    job = _job(job_id)
    with service.store.writing() as tx:
        decided = correction_rows.decide(tx, job.id, correction_id[:36], body.state, _who(body.by))
    return jsonify(_correction(decided))


@routes.get("/v1/transcripts/<job_id>/versions")
@tells(Told(answers={200: VersionListShape}, scope=("read", "edit")))
def versions(job_id: str) -> Response:
    """List a transcript's versions: who made each when, and what it changed."""
    job = _job(job_id)
    heard: dict[str, Any] = {
        "version": 0,
        "at": rfc3339(job.finished),
        "by": None,
        "correction": None,
        "diff": [],
    }
    data = [heard, *(_version(one) for one in _accepted(job))]
    return jsonify({"object": "list", "data": data})


@routes.get("/v1/transcripts/<job_id>/pairs")
@tells(Told(answers={200: PairListShape}, scope=("read", "edit")))
def written_pairs(job_id: str) -> Response:
    """List what was heard and how it is written, from the accepted corrections, for a lexicon."""
    return jsonify({"object": "list", "data": pairs(_accepted(_job(job_id)))})


def _job(job_id: str) -> Job:
    return transcribed(here(), job_id, tenant())


def _accepted(job: Job) -> list[Correction]:
    with here().store.db.read() as connection:
        return correction_rows.accepted(connection, job.id)


def _named(words: list[Placed], body: CorrectionBody) -> list[Placed]:
    """The words that a body names, as they stand now.

    Raises InvalidRequest("correction_words") or TooLarge("correction_too_long").
    """
    span = find(words, body.first, body.last)
    if span is None:
        most = words[-1].last if words else 0
        raise InvalidRequest(
            "correction_words", param="first", first=body.first, last=body.last, most=most
        )
    named = words[span[0] : span[1]]
    if len(named) > MOST_WORDS:
        raise TooLarge("correction_too_long", param="last", given=len(named), limit=MOST_WORDS)
    return named


def _who(told: str | None) -> str:
    """Who proposes or decides: as the caller says, who knows its own users, else the caller's key."""
    key = caller().key
    return told or (key.name if key else "anonymous")


def _correction(one: Correction) -> dict[str, Any]:
    return {
        "id": one.id,
        "object": "correction",
        "transcript": one.job,
        "first": one.first,
        "last": one.last,
        "start": one.start,
        "end": one.end,
        "before": one.before,
        "after": one.after,
        "diff": diff(one.before, one.after),
        "base": one.base,
        "state": one.state,
        "version": one.version,
        "proposed_by": one.proposed_by,
        "created_at": rfc3339(one.created),
        "decided_by": one.decided_by,
        "decided_at": rfc3339(one.decided),
    }


def _version(one: Correction) -> dict[str, Any]:
    return {
        "version": one.version,
        "at": rfc3339(one.decided),
        "by": one.decided_by,
        "correction": one.id,
        "diff": diff(one.before, one.after),
    }
