"""Erasing a finished job: its bytes first, then its rows, so that nothing is left that no row knows of."""

from collections.abc import Iterator

from server.service import Service
from speech.errors import Conflict
from speech.jobs import Job


def erase(service: Service, job: Job) -> None:
    """Remove a finished job and all below it with what they made; inputs that no other job uses go too.

    Safe to repeat after an outage. Raises Conflict("retry_the_parent") for a part, which belongs to its job.
    """
    if job.kind == "part":
        raise Conflict("erase_the_parent", job=job.parent)
    for one in _family(service, job):
        service.storage.delete_prefix(f"t/{one.tenant}/jobs/{one.id}/")
        # Only a job that succeeded has put its own bytes where it had promised them.
        for key in one.outputs if one.state == "succeeded" else ():
            service.storage.delete(key)
    for key in service.store.erase(job.id, job.tenant):
        if key.startswith(f"t/{job.tenant}/inputs/"):
            service.storage.delete(key)


def _family(service: Service, job: Job) -> Iterator[Job]:
    yield job
    if job.children["total"]:
        for child in service.store.children(job.id):
            yield from _family(service, child)
