"""API keys, what they have used, and which key a job counts against."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and the column."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("members", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("buckets", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("queued_jobs", sa.Integer(), nullable=True),
        sa.Column("audio_seconds_per_day", sa.Integer(), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=True),
        sa.Column("revoked", sa.Double(), nullable=True),
        sa.Column("last_used", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("api_keys_prefix", "api_keys", ["prefix"], unique=True)
    op.create_index("api_keys_list", "api_keys", ["tenant", "created"], unique=False)
    op.create_table(
        "key_usage",
        sa.Column("api_key", sa.String(length=36), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("used", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("api_key", "what"),
    )
    op.add_column("jobs", sa.Column("api_key", sa.String(length=36), nullable=True))
    op.create_index(
        "jobs_key",
        "jobs",
        ["api_key", "finished"],
        unique=False,
        sqlite_where=sa.text("api_key IS NOT NULL"),
        postgresql_where=sa.text("api_key IS NOT NULL"),
    )
