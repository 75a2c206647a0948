"""Counts delivered submissions by more than their source, and stores when one is discarded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Move the counts by source to the table of all breakdowns."""
    op.add_column("outbox", sa.Column("discarded_at", sa.DateTime))
    op.create_table(
        "breakdown_counts",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("form", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO breakdown_counts SELECT 'source', day, form, source, count FROM source_counts"
    )
    op.drop_table("source_counts")
    with op.batch_alter_table("daily_counts") as daily_counts:
        daily_counts.drop_column("seconds")
