"""Where visitors came from, and how far they went in each form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column and make the tables; of earlier submissions no source is known."""
    source = sa.Column("source", sa.String(40), nullable=False, server_default="")
    op.add_column("outbox", source)
    op.create_table(
        "source_counts",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("form", sa.String(40), primary_key=True),
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "funnel_counts",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("form", sa.String(40), primary_key=True),
        sa.Column("step", sa.String(16), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
