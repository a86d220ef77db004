"""The last step of a batch whose results have a place: index.json, which says what became of each item."""

import json
from collections.abc import Iterator
from typing import Any

from speech.errors import NotFound
from speech.jobs import Job
from speech.store import JobStore
from worker.attempt import Attempt, Done, NewArtifact

INDEX = "index.json"


def index(attempt: Attempt, store: JobStore) -> Done:
    """The index of a batch, item by item; of a retry, with what the batch before it had done already.

    Only what the index says of the items is kept in memory.
    """
    told = {one["folder"]: one for one in _earlier(attempt, store)}
    told |= {one["folder"]: one for one in map(_entry, _items(attempt.job, store))}
    entries = [told[folder] for folder in sorted(told)]
    seconds = round(sum(one["audio_seconds"] for one in entries), 3)
    data = {"object": "batch.index", "job": attempt.job.id, "audio_seconds": seconds}
    path = attempt.workdir / INDEX
    path.write_text(json.dumps(data | {"items": entries}, ensure_ascii=False), "utf-8")
    result = dict(attempt.job.children) | {"audio_seconds": seconds}
    return Done([NewArtifact(INDEX, path, "application/json")], result)


def _items(job: Job, store: JobStore) -> Iterator[Job]:
    after = None
    while True:
        page, after = store.page(job.tenant, parent=job.id, limit=500, after=after)
        yield from page
        if after is None:
            return


def _entry(item: Job) -> dict[str, Any]:
    error = item.error and {"code": item.error["code"]}
    names = [key.rpartition("/")[2] for key in item.outputs] if item.state == "succeeded" else []
    return {
        "folder": item.outputs[0].split("/")[-2] if item.outputs else f"{item.part:05d}",
        "job": item.id,
        "input": item.request.get("input"),
        "state": item.state,
        "files": names,
        "error": error,
        "audio_seconds": item.usage.get("audio_seconds", 0.0),
    }


def _earlier(attempt: Attempt, store: JobStore) -> list[dict[str, Any]]:
    job = attempt.job
    if job.retry_of is None:
        return []
    try:
        before = store.get(job.retry_of, job.tenant)
        key = next((one.key for one in before.artifacts if one.name == INDEX), "")
        data = json.loads(b"".join(attempt.storage.open(key))) if key else {"items": []}
    except NotFound:  # erased or purged since
        return []
    return [one for one in data["items"] if one["state"] == "succeeded"]
