"""/v1/transcripts/{job_id}: a transcript as a page or a player reads it; its cues, cut anew without listening."""

import json
import time
from typing import Any

from flask import Blueprint, Response, jsonify, request

from server.contract import Told, tells
from server.cue_bodies import CuesQuery, PageQuery, TrackQuery, changes
from server.query import read_query
from server.service import Service, here
from server.transcript_json import cue_file, transcript_json
from server.transcript_shapes import CuesShape, TranscriptPageShape
from server.transcript_view import View, look
from speech.errors import InvalidRequest, NotFound
from speech.jobs import rfc3339
from speech.subtitles import CONTENT_TYPES, SUBTITLES, timestamp_map

routes = Blueprint("transcripts", __name__)


@routes.get("/v1/transcripts/<job_id>")
@tells(Told(query=PageQuery, answers={200: TranscriptPageShape}, scope="read"))
def show(job_id: str) -> Response:
    """Show a transcript: its sentences, cues and words, and signed tracks for a player."""
    service, query = here(), read_query(PageQuery)
    view = look(service, job_id, query)
    return _fresh(
        jsonify(transcript_json(view, query.syllables) | {"tracks": _tracks(service, view, query)})
    )


@routes.get("/v1/transcripts/<job_id>/cues.json")
@tells(Told(query=CuesQuery, answers={200: CuesShape}, scope="read"))
def cues(job_id: str) -> Response:
    """Show a transcript's cues with ids and times, the rules they follow and those they break."""
    return _fresh(jsonify(cue_file(look(here(), job_id, read_query(CuesQuery)))))


@routes.get("/v1/transcripts/<job_id>/subtitles.<name>")
@tells(Told(query=TrackQuery, answers={200: "text/*"}, scope="read"))
def subtitles(job_id: str, name: str) -> Response:
    """Write a transcript's subtitles, srt or vtt, by any rules; nothing is decoded again."""
    query = read_query(TrackQuery)
    return _fresh(_rendered(name, look(here(), job_id, query), query))


@routes.get("/tracks/<token>/<path:name>")
@tells(Told(answers={200: "text/*"}, open=True))
def track(token: str, name: str) -> Response:
    """Read subtitles by a signed link, as a player does that can send no headers; the token alone decides."""
    service = here()
    link = service.links.read_track(token)
    whose, job_id, kind, asked = json.loads(link.key)
    query = TrackQuery(**asked)
    response = _rendered(kind, look(service, job_id, query, whose), query)
    # A correction must be seen soon, so nobody keeps this without asking.
    return _fresh(response)


def _rendered(name: str, view: View, query: TrackQuery) -> Response:
    if name not in SUBTITLES:
        raise NotFound("route_not_found", path=request.path)
    if name != "vtt" and query.mpegts is not None:
        raise InvalidRequest("vtt_only", param="mpegts")
    head = "" if query.mpegts is None else timestamp_map(query.mpegts, query.local)
    return Response(SUBTITLES[name](view.cues, head), content_type=CONTENT_TYPES[name])


def _fresh(response: Response) -> Response:
    """With an ETag: the same words by the same rules are the same bytes."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _tracks(service: Service, view: View, query: CuesQuery) -> list[dict[str, Any]]:
    """Links to the subtitles by the same rules, which <track> can follow; a version that was asked for stays."""
    ttl, made = service.settings.link_ttl, []
    asked = query.model_dump(include={"preset", "version"}, exclude_none=True) | changes(query)
    for name in SUBTITLES:
        told = json.dumps([view.job.tenant, view.job.id, name, asked], separators=(",", ":"))
        url = service.links.track_url(told, f"subtitles.{name}", CONTENT_TYPES[name], ttl)
        made.append({"format": name, "url": url, "url_expires_at": rfc3339(time.time() + ttl)})
    return made
