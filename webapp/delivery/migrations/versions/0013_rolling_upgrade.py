"""Which programs can use these tables, which server has them, and hashes of mobile numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table and its row, whose value is set at the end; a worker adds the hashes."""
    state = op.create_table(
        "database_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("oldest_revision", sa.String(32), nullable=False),
        sa.Column("server", sa.String(64)),
    )
    op.bulk_insert(state, [{"id": 1, "oldest_revision": ""}])
    op.add_column("outbox", sa.Column("mobile_hash", sa.String(32)))
    indexes = {
        "outbox_mobile_hash": ("mobile_hash", "mobile_hash IS NOT NULL"),
        "outbox_unhashed": ("id", "mobile_hash IS NULL AND contact IS NOT NULL"),
    }
    for name, (column, condition) in indexes.items():
        where = sa.text(condition)
        op.create_index(name, "outbox", [column], sqlite_where=where, postgresql_where=where)
