"""When a submission was sent without a clear answer, and the lengths that the portal accepts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns, which the former version leaves empty, and the table."""
    op.add_column("outbox", sa.Column("first_sent_at", sa.DateTime))
    op.add_column("outbox", sa.Column("last_sent_at", sa.DateTime))
    op.create_table(
        "accepted_lengths",
        sa.Column("field", sa.String(40), primary_key=True),
        sa.Column("length", sa.Integer, nullable=False),
    )
