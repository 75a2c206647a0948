"""Which programs can use these tables: those of the former version run beside this one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the table and its row; whoever ran the migrations sets the value."""
    state = op.create_table(
        "database_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("oldest_revision", sa.String(32), nullable=False),
    )
    op.bulk_insert(state, [{"id": 1, "oldest_revision": ""}])
