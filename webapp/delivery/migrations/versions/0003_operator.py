"""Who submitted a contact on the intranet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the name; nobody knows it of what is there already."""
    op.add_column("outbox", sa.Column("operator", sa.Text))
