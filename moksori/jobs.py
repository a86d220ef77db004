"""`moksori jobs`: what the store holds, as a table."""

import click

from moksori.opened import opened_store
from speech.jobs import DEFAULT_TENANT, Job, rfc3339
from speech.settings import Settings


@click.command("jobs")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100))
@click.option(
    "--state", "states", multiple=True, help="queued, running, succeeded, failed or cancelled"
)
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose jobs")
@click.option("--cancel", "cancelled", metavar="ID", help="Cancel a live job")
@click.option("--retry", "retried", metavar="ID", help="Make a new job of a finished one")
def command(
    limit: int, states: tuple[str, ...], tenant: str, cancelled: str | None, retried: str | None
) -> None:
    """List the newest jobs, cancel one, or retry one."""
    with opened_store(Settings.from_env()) as store:
        if cancelled:
            store.cancel(cancelled, tenant)
        if retried:
            click.echo(f"New job: {store.retry(retried, tenant).id}")
        found, _ = store.page(tenant, limit=limit, states=states)
    for job in found:
        click.echo(_line(job))
    if not found:
        click.echo("No jobs.")


def _line(job: Job) -> str:
    why = f"  {job.error['code']}" if job.error else ""
    return (
        f"{job.id}  {rfc3339(job.created)}  {job.kind:<13} {job.state:<9} {job.fraction:>4.0%}"
        f"  attempt {job.attempt}{why}"
    )
