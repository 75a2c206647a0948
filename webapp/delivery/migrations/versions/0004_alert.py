"""What the people who look after the program were told by mail."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001  UTC, as all times in the database


def upgrade() -> None:
    """Make the table with its only row: nobody was told anything."""
    alert = op.create_table(
        "alert",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("told", sa.String(64), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("due", sa.DateTime, nullable=False),
        sa.Column("alarm_due", sa.DateTime, nullable=False),
        sa.Column("end_due", sa.DateTime, nullable=False),
    )
    moments = dict.fromkeys(("due", "alarm_due", "end_due"), _LONG_AGO)
    op.execute(sa.insert(alert).values(id=1, told="", status="", **moments))
