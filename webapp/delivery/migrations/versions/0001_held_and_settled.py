"""What version 0.1 made without numbering it: held submissions, settled keys, spent proofs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are not there: version 0.1 made each with its first use."""
    op.create_table(
        "held",
        sa.Column("reference", sa.String(16), primary_key=True),
        sa.Column("form", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("held_at", sa.DateTime, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "settled",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("result", sa.String(16)),
        sa.Column("until", sa.DateTime, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "spent",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("until", sa.DateTime, nullable=False),
        if_not_exists=True,
    )
