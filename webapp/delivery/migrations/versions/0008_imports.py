"""Imported spreadsheets, and their rows until these are fed into the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables; no submission belongs to an import yet."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "imports",
        sa.Column("id", key, primary_key=True),
        sa.Column("reference", sa.String(8), nullable=False, unique=True),
        sa.Column("form", sa.String(40), nullable=False),
        sa.Column("operator", sa.Text),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reading", sa.Text, nullable=False),
        sa.Column("twice", sa.String(8), nullable=False),
        sa.Column("ready_rows", sa.Integer, nullable=False),
        sa.Column("wrong_rows", sa.Integer, nullable=False),
        sa.Column("twice_rows", sa.Integer, nullable=False),
        sa.Column("left_rows", sa.Integer, nullable=False),
        sa.Column("known_rows", sa.Integer, nullable=False),
        sa.Column("fed_up_to", sa.Integer, nullable=False),
        sa.Column("backlog", sa.Integer, nullable=False),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("next_at", sa.DateTime, nullable=False),
    )
    op.create_index("imports_state", "imports", ["state"])
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("cells", sa.Text, nullable=False),
        sa.Column("contact", sa.Text),
        sa.Column("faults", sa.Text),
        sa.Column("place", sa.String(8), nullable=False),
    )
    op.add_column("outbox", sa.Column("batch", sa.BigInteger))
    has_batch = sa.column("batch").is_not(None)
    op.create_index(
        "outbox_batch",
        "outbox",
        ["batch", "state"],
        sqlite_where=has_batch,
        postgresql_where=has_batch,
    )
