"""When a submission was delivered; so far, that was inferred from the time of its purge."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column; processes of the former version that still run leave it empty."""
    op.add_column("outbox", sa.Column("delivered_at", sa.DateTime))
