"""Space within each submission's row, so that later changes do not make it longer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; rows that are there already have none to give."""
    op.add_column("outbox", sa.Column("slack", sa.Text, nullable=False, server_default=""))
