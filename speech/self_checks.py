"""Self-checks in the store: a job below a finished speech job, which is told how well it was understood."""

from typing import Any

from speech import family, turns
from speech.database import Tx
from speech.jobs import Job, NewJob
from speech.rows import change, insert_jobs
from speech.schema import jobs

CODE = "self_check"
HEARABLE = (
    "wav",
    "flac",
    "mp3",
    "opus",
    "aac",
)  # a recogniser can read them; pcm says nothing of itself


def new_check(job: Job) -> NewJob | None:
    """What hears a finished speech job's sound again; None where there is nothing to hear or it was heard before."""
    result = job.result or {}
    files = {one.name: one for one in job.artifacts}
    sound = next((files[f"speech.{name}"] for name in HEARABLE if f"speech.{name}" in files), None)
    if sound is None or not result.get("reading") or result.get("cached"):
        return None
    place = {"key": sound.key, "name": sound.name, "bytes": sound.size}
    request = {
        "said": result["reading"],
        "voice": job.request.get("voice"),
        "language": "ko",
        "formats": ["json"],
    }
    return NewJob("check", "transcription", request, job.tenant, "batch", place)


def add(tx: Tx, job: Job) -> None:
    """Queue a check below a speech job, if that is still there and has a sound."""
    parent = family.lock(tx, job.id)
    new = new_check(parent) if parent else None
    if parent is None or new is None:
        return
    (check,) = insert_jobs(tx, [new], parent=parent)
    change(
        tx, parent.id, children_total=jobs.c.children_total + 1,
        open_children=jobs.c.open_children + 1,
    )  # fmt: skip
    turns.enter(tx, new.lane, new.priority, parent.tenant, parent.root)
    tx.rings.append((new.lane, check))


def tell(tx: Tx, check: Job, warnings: list[Any]) -> None:
    """Add what a check has found to its speech job's warnings; the two are locked."""
    found = [one for one in warnings if isinstance(one, dict) and one.get("code") == CODE]
    parent = family.lock(tx, check.parent) if check.parent else None
    if parent is not None and found:
        change(tx, parent.id, warnings=[*parent.warnings, *found])
