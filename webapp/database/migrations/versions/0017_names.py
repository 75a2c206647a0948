"""Renames columns after what they hold."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

_RENAMED = (
    ("imports", "fed_up_to", "last_enqueued_row"),
    ("outbox", "looks", "failed_lookups"),
    ("outbox", "blind", "resent_without_lookup"),
)


def upgrade() -> None:
    """Rename them in place: both databases can, and the rows stay as they are."""
    for table, old, new in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
