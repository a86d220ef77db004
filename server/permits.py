"""What a caller may do to a job that stands: cancel, erase or repeat what it might have asked for itself."""

from server.caller import SCOPE_OF, caller
from server.job_json import output_url
from server.places import RESERVED
from server.service import Service
from speech.jobs import Job


def permit(service: Service, job: Job) -> None:
    """Raises Forbidden when scope, member or a place of the job, or of an item of a batch, is not the caller's."""
    for one in (job, *(service.store.children(job.id) if job.kind == "batch" else ())):
        _permit(service, one)


def _permit(service: Service, job: Job) -> None:
    who = caller()
    who.need(SCOPE_OF[job.lane])
    if job.lane == "speech" and "voice" in job.request:
        who.need_member(job.request["voice"], "voice")
    for key in job.outputs:
        if not key.startswith(RESERVED):  # under these the place was ours to choose
            who.need_place(output_url(service, key), "output")
    source = (job.input or {}).get("key", "")
    if source and not source.startswith(f"t/{job.tenant}/inputs/"):  # there lies what came to us
        who.need_place(output_url(service, source), "input", own=source.startswith(RESERVED))
