"""Tombstones, trash and counters; how far retention has come with a job, and indexes to find what is due."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the tables."""
    op.add_column("jobs", sa.Column("purged", sa.Integer(), server_default="0", nullable=False))
    _index("jobs_open", ["lane", "state", "priority", "created"], "finished IS NULL")
    _index("jobs_old", ["purged", "finished"], "parent IS NULL AND finished IS NOT NULL")
    _index("jobs_old_input", ["finished"], "input_key IS NOT NULL AND finished IS NOT NULL")
    _index("jobs_expires", ["expires"], "expires IS NOT NULL")
    op.create_table(
        "tombstones",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("gone", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tombstones_gone", "tombstones", ["gone"], unique=False)
    op.create_table(
        "trash",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _index(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "jobs", columns, sqlite_where=condition, postgresql_where=condition)
