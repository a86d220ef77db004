"""A job as JSON; links are minted on each read."""

import time
from typing import Any

from server.errors import stored_message
from server.service import Service
from speech.errors import Language
from speech.jobs import Artifact, Job, rfc3339
from speech.messages import MESSAGES, say
from speech.queries import Ahead
from speech.retention import Keep, expires_at


def job_json(
    service: Service, job: Job, language: Language, ahead: Ahead | None = None
) -> dict[str, Any]:
    """The job resource; `ahead` is its place in the line, left out in lists."""
    return {
        "id": job.id,
        "object": "job",
        "kind": job.kind,
        "state": job.state,
        "lane": job.lane,
        "priority": job.priority,
        "progress": {"fraction": round(job.fraction, 4), "step": job.step},
        "queue": _queue(job, ahead),
        "attempt": job.attempt,
        "request": job.request,
        "result": job.result,
        "error": _error(job, language),
        "warnings": [_warning(one, language) for one in job.warnings],
        "outputs": [output_url(service, key) for key in job.outputs],
        "artifacts": [_artifact(service, job, one) for one in job.artifacts] if job.final else [],
        "parent": job.parent,
        "retry_of": job.retry_of,
        "children": job.children,
        "created_at": rfc3339(job.created),
        "started_at": rfc3339(job.started),
        "finished_at": rfc3339(job.finished),
        "expires_at": rfc3339(expires_at(job, Keep.from_settings(service.settings))),
        "events_url": service.links.events_url(job.id, job.tenant, service.settings.link_ttl),
        "usage": {"audio_seconds": 0, "compute_seconds": 0, "characters": 0} | job.usage,
    }


def output_url(service: Service, key: str) -> str:
    """An output as the caller named it: a gs:// URL, or its key where a folder is the storage."""
    start = service.settings.artifacts_url
    return f"{start.rstrip('/')}/{key}" if start.startswith("gs://") else key


def _queue(job: Job, ahead: Ahead | None) -> dict[str, Any] | None:
    if job.state != "queued":
        return None
    if ahead is None:
        return {"position": None, "ready_between": None}
    if ahead.ready_from is None:
        return {"position": ahead.position, "ready_between": None}
    between = [rfc3339(ahead.ready_from), rfc3339(ahead.ready_to)]
    return {"position": ahead.position, "ready_between": between}


def _error(job: Job, language: Language) -> dict[str, Any] | None:
    if job.error is None:
        return None
    told = {"code": job.error["code"], "message": stored_message(job.error, language)}
    return told | ({"part": job.error["part"]} if "part" in job.error else {})


def _warning(told: Any, language: Language) -> Any:
    """A stored warning with its sentence in the reader's language."""
    if not isinstance(told, dict) or told.get("code") not in MESSAGES:
        return told
    blanks = {k: v for k, v in told.items() if k not in {"code", "language", "message"}}
    return told | {"message": say(told["code"], language, **blanks)}


def _artifact(service: Service, job: Job, artifact: Artifact) -> dict[str, Any]:
    ttl = service.settings.link_ttl
    return {
        "name": artifact.name,
        "content_type": artifact.content_type,
        "bytes": artifact.size,
        "sha256": artifact.sha256,
        "voice_version": (job.result or {}).get("voice_version"),
        "url": service.storage.url(artifact.key, artifact.name, artifact.content_type, ttl),
        "url_expires_at": rfc3339(time.time() + ttl),
    }
