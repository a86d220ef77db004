"""What was heard before is not decoded again: jobs of a tenant by the recording's bytes and how it was to be heard."""

from sqlalchemy import select

from speech.jobs import Job
from speech.rows import to_job
from speech.schema import jobs
from speech.store import JobStore


def find(store: JobStore, tenant: str, key: str) -> Job | None:
    """The tenant's newest job that succeeded with this key; its files may have been purged since."""
    query = (
        select(jobs)
        .where(jobs.c.tenant == tenant, jobs.c.reuse == key, jobs.c.state == "succeeded")
        .order_by(jobs.c.finished.desc())
        .limit(1)
    )
    with store.db.read() as connection:
        row = connection.execute(query).one_or_none()
    return to_job(row) if row else None


def remember(store: JobStore, job: Job, key: str) -> None:
    """Let later jobs of the tenant find this one."""
    with store.writing() as tx:
        tx.connection.execute(jobs.update().where(jobs.c.id == job.id).values(reuse=key))
