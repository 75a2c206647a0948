"""One table for every submission, and a row that says why the queue is paused."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

revision = "0002"
down_revision = "0001"

_KEPT = timedelta(days=30)
_KEY = 64  # hexadecimal digits


def upgrade() -> None:
    """Make the tables, and take over what was held and settled."""
    outbox = op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("key", sa.String(_KEY), nullable=False, unique=True),
        sa.Column("form", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("contact", sa.Text),
        sa.Column("owner", sa.String(32)),
        sa.Column("due", sa.DateTime, nullable=False),
        sa.Column("give_up_at", sa.DateTime, nullable=False),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unexplained", sa.Integer, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("portal_id", sa.BigInteger),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    op.create_index("outbox_due", "outbox", ["state", "due"])
    op.create_index("outbox_portal_id", "outbox", ["portal_id"])
    op.create_table(
        "breaker",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("refused", sa.Boolean, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("probe_at", sa.DateTime, nullable=False),
        sa.Column("probes", sa.Integer, nullable=False),
    )
    op.add_column("spent", sa.Column("key", sa.String(_KEY), nullable=False, server_default=""))
    _take_over(outbox)
    op.drop_table("held")
    op.drop_table("settled")


def _take_over(outbox: sa.Table) -> None:
    connection = op.get_bind()
    old = sa.MetaData()
    old.reflect(connection, only=["held", "settled"])
    held = connection.execute(sa.select(old.tables["held"])).mappings().all()
    settled = (
        connection.execute(
            sa.select(old.tables["settled"]).where(old.tables["settled"].c.result.is_not(None))
        )
        .mappings()
        .all()
    )
    # A submission that was held is settled, too, and its reference is the beginning of its key.
    keys = {_reference(row["key"]): row["key"] for row in settled}
    rows = [_held(row, keys.pop(row["reference"], _key(row["reference"]))) for row in held]
    rows += [_settled(row) for row in settled if row["key"] in keys.values()]
    if rows:
        connection.execute(sa.insert(outbox), rows)


def _held(row: RowMapping, key: str) -> dict[str, object]:
    return _row(
        key=key,
        form=row["form"],
        state="held",
        status=row["reason"],
        contact=row["contact"],
        created_at=row["held_at"],
        due=row["held_at"] + _KEPT,
        give_up_at=row["held_at"],
    )


def _settled(row: RowMapping) -> dict[str, object]:
    moments = dict.fromkeys(("created_at", "due", "give_up_at"), row["until"])
    return _row(key=row["key"], state=row["result"], **moments)


def _row(**values: object) -> dict[str, object]:
    return {
        "form": "",
        "status": "",
        "contact": None,
        "owner": None,
        "uncertain": False,
        "blind": False,
        "attempts": 0,
        "unexplained": 0,
        "looks": 0,
        "portal_id": None,
        **values,
    }


def _reference(key: str) -> str:
    return base64.b32encode(bytes.fromhex(key)[:5]).decode()


def _key(reference: str) -> str:
    """Return a key that has this reference; the true one is forgotten."""
    return base64.b32decode(reference).hex().ljust(_KEY, "0")
