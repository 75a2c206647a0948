"""Counts delivered submissions by more than their source; names columns after what they hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_RENAMED = (
    ("imports", "fed_up_to", "last_enqueued_row"),
    ("outbox", "looks", "failed_lookups"),
    ("outbox", "blind", "resent_without_lookup"),
)


def upgrade() -> None:
    """Move the counts by source to the table of all breakdowns, and rename columns in place."""
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
    for table, old, new in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
