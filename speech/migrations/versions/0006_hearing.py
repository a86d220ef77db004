"""What a transcription can be reused by, and failures whose promised place has not been told of them yet."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the indexes to find them by."""
    op.add_column("jobs", sa.Column("reuse", sa.String(length=64)))
    op.add_column(
        "jobs", sa.Column("untold", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    _index("jobs_reuse", ["tenant", "reuse", "finished"], "reuse IS NOT NULL")
    _index("jobs_untold", ["lane"], "untold", "untold = 1")


def _index(name: str, columns: list[str], where: str, sqlite: str = "") -> None:
    op.create_index(
        name, "jobs", columns, sqlite_where=sa.text(sqlite or where),
        postgresql_where=sa.text(where),
    )  # fmt: skip
