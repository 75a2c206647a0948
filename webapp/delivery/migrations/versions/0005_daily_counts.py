"""Counts of submissions by day, which outlive the rows of the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table; what is in the outbox already is counted by and by."""
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("form", sa.String(40), primary_key=True),
        sa.Column("outcome", sa.String(16), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
    )
    counted = sa.Column("counted", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("outbox", counted)
    is_uncounted = sa.column("counted", sa.Boolean).is_(False)
    op.create_index(
        "outbox_uncounted",
        "outbox",
        ["counted", "state", "form", "created_at"],
        sqlite_where=is_uncounted,
        postgresql_where=is_uncounted,
    )
