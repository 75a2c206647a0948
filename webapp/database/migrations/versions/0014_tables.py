"""The tables of version 1.1.

On a database of version 1.0.0, those that change are moved aside; the next step takes their rows
over. It also finds the tables of revision 0013, which was never released.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = None

_MOVED = ("outbox", "imports", "import_rows")
_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001  UTC, as all times in the database
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables that are not there."""
    connection = op.get_bind()
    found = sa.inspect(connection)
    for name in set(_MOVED) & set(found.get_table_names()):
        for index in found.get_indexes(name):
            if not index.get("duplicates_constraint"):
                op.drop_index(str(index["name"]), name)
        op.rename_table(name, f"old_{name}")
    _make_outbox()
    _make_imports()
    _make_counts()
    _make_codes()
    _make_states()


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return op.create_table(name, *columns, if_not_exists=True)


def _index(
    name: str, table: str, columns: list[str], where: sa.ColumnElement[bool] | None = None
) -> None:
    op.create_index(
        *(name, table, columns),
        if_not_exists=True,
        sqlite_where=where,
        postgresql_where=where,
    )


def _make_outbox() -> None:
    _table(
        "outbox",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("form", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("contact", sa.Text),
        sa.Column("encrypted_with", sa.String(8)),
        sa.Column("mobile_hash", sa.String(32)),
        sa.Column("owner", sa.String(32)),
        sa.Column("due", sa.DateTime, nullable=False),
        sa.Column("give_up_at", sa.DateTime, nullable=False),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unexplained", sa.Integer, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("first_sent_at", sa.DateTime),
        sa.Column("last_sent_at", sa.DateTime),
        sa.Column("portal_id", sa.BigInteger),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("operator", sa.Text),
        sa.Column("source", sa.String(40), nullable=False, server_default=""),
        sa.Column("counted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("batch", sa.BigInteger),
        sa.Column("number_hash", sa.String(32)),
        sa.Column("field_hashes", sa.Text),
        sa.Column("delivered_at", sa.DateTime),
        # A process of 1.0.0 that still runs stores no plain text.
        sa.CheckConstraint("(contact IS NULL) = (encrypted_with IS NULL)", name="outbox_encrypted"),
    )
    _index("outbox_due", "outbox", ["state", "due"])
    _index("outbox_portal_id", "outbox", ["portal_id"])
    uncounted = ["counted", "state", "form", "created_at"]
    _index("outbox_uncounted", "outbox", uncounted, sa.column("counted", sa.Boolean).is_(False))
    by_hash = ["encrypted_with", "mobile_hash"]
    _index("outbox_mobile_hash", "outbox", by_hash, sa.column("encrypted_with").is_not(None))
    _index("outbox_batch", "outbox", ["batch", "state"], sa.column("batch").is_not(None))
    imported = sa.column("number_hash").is_not(None)
    _index("outbox_number_hash", "outbox", ["number_hash"], imported)


def _make_imports() -> None:
    _table(
        "imports",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("reference", sa.String(8), nullable=False, unique=True),
        sa.Column("form", sa.String(40), nullable=False),
        sa.Column("operator", sa.Text),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reading", sa.Text, nullable=False),
        sa.Column("encrypted_with", sa.String(8), nullable=False),
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
        sa.Column("known", sa.String(8), nullable=False, server_default="skip"),
        sa.Column("search", sa.String(16), nullable=False, server_default=""),
        sa.Column("file_hash", sa.String(32)),
    )
    _index("imports_state", "imports", ["state"])
    _table(
        "import_rows",
        sa.Column("import_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("cells", sa.Text, nullable=False),
        sa.Column("contact", sa.Text),
        sa.Column("faults", sa.Text),
        sa.Column("encrypted_with", sa.String(8), nullable=False),
        sa.Column("mobile_hash", sa.String(32)),
        sa.Column("place", sa.String(8), nullable=False),
        sa.Column("known", sa.String(16), nullable=False, server_default=""),
        sa.Column("differences", sa.Text),
        sa.Column("field_hashes", sa.Text),
    )
    _table(
        "import_files",
        sa.Column("reference", sa.String(8), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("encrypted_with", sa.String(8), nullable=False),
    )


def _make_counts() -> None:
    _table(
        "daily_counts",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("form", sa.String(40), primary_key=True),
        sa.Column("outcome", sa.String(16), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
    )
    for name, column in {"source_counts": ("source", 40), "funnel_counts": ("step", 16)}.items():
        _table(
            name,
            sa.Column("day", sa.Date, primary_key=True),
            sa.Column("form", sa.String(40), primary_key=True),
            sa.Column(column[0], sa.String(column[1]), primary_key=True),
            sa.Column("count", sa.BigInteger, nullable=False),
        )
    _table(
        "choice_counts",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("form", sa.String(40), primary_key=True),
        sa.Column("field", sa.String(16), primary_key=True),
        sa.Column("choice", sa.String(200), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )


def _make_codes() -> None:
    _table(
        "codes",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sendings", sa.Integer, nullable=False),
        sa.Column("resend_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("verified_until", sa.DateTime),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    _index("codes_created_at", "codes", ["created_at"])
    _table(
        "code_days",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    _table(
        "code_trouble",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
    )
    counted = ("number", "network", "wide_network", "form")
    _table(
        "code_sendings",
        sa.Column("id", _KEY, primary_key=True),
        *(sa.Column(name, sa.String(64), nullable=False) for name in counted),
        sa.Column("sent_at", sa.DateTime, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
    )
    for name in counted:
        _index(f"code_sendings_{name}", "code_sendings", [name, "sent_at"])


def _make_states() -> None:
    _table(
        "spent",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.Column("key", sa.String(64), nullable=False, server_default=""),
    )
    _table(
        "breaker",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("refused", sa.Boolean, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("probe_at", sa.DateTime, nullable=False),
        sa.Column("probes", sa.Integer, nullable=False),
    )
    _table(
        "accepted_lengths",
        sa.Column("field", sa.String(40), primary_key=True),
        sa.Column("length", sa.Integer, nullable=False),
    )
    alert = _table(
        "alert",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("told", sa.String(64), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("due", sa.DateTime, nullable=False),
        sa.Column("alarm_due", sa.DateTime, nullable=False),
        sa.Column("end_due", sa.DateTime, nullable=False),
    )
    moments = dict.fromkeys(("due", "alarm_due", "end_due"), _LONG_AGO)
    _fill(alert, told="", status="", **moments)
    state = _table(
        "database_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("oldest_revision", sa.String(32), nullable=False),
        sa.Column("server", sa.String(64)),
    )
    _fill(state, oldest_revision="")  # set at the end


def _fill(table: sa.Table, **values: object) -> None:
    """Add the only row of a table, unless it is there."""
    connection = op.get_bind()
    if connection.execute(sa.select(table.c.id)).first() is None:
        connection.execute(sa.insert(table).values(id=1, **values))
