"""One row for each code that was sent lately, for the limits by number, network and form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_COUNTED = ("number", "network", "wide_network", "form")


def upgrade() -> None:
    """Make the table; a program of the former version does not use it."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "code_sendings",
        sa.Column("id", key, primary_key=True),
        *(sa.Column(name, sa.String(64), nullable=False) for name in _COUNTED),
        sa.Column("sent_at", sa.DateTime, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
    )
    for name in _COUNTED:
        op.create_index(f"code_sendings_{name}", "code_sendings", [name, "sent_at"])
