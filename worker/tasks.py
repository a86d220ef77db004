"""The one Celery task: a bell. Its arguments name the lane, and a job for the logs."""

import logging

from speech.errors import LeaseLost, Unavailable
from worker import pool

log = logging.getLogger(__name__)


def run_next(lane: str, job_id: str) -> None:
    """Run whatever row of the lane has its turn; finding none is fine."""
    log.debug("bell of %s for %s", job_id, lane)
    child = pool.child
    if child is None or lane not in child.lanes:
        log.warning("a bell for lane %r, which this worker does not serve", lane)
        return
    try:
        child.run_next(lane)
    except (Unavailable, LeaseLost) as error:
        log.warning("nothing was run (%s); the sweeper rings again", error)
