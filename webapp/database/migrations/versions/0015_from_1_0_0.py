"""Takes over the rows of version 1.0.0, and encrypts their contacts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from webapp.database.encryption import Encryption

revision = "0015"
down_revision = "0014"

_BATCH_ROWS = 1_000

_Encrypt = Callable[[Encryption, sa.RowMapping], dict[str, Any]]


def upgrade() -> None:
    """Move the rows of the tables that the former step put aside; a new database has none."""
    connection = op.get_bind()
    metadata = sa.MetaData()
    metadata.reflect(connection)
    tables = metadata.tables
    for name, encrypt in _ENCRYPT.items():
        old = tables.get(f"old_{name}")
        if old is not None:
            _take_over(connection, old, tables[name], encrypt)
            op.drop_table(old.name)
    if "old_imports" in tables and connection.dialect.name == "postgresql":
        highest = sa.select(sa.func.coalesce(sa.func.max(tables["imports"].c.id), 0))
        sequence = sa.func.pg_get_serial_sequence("imports", "id")
        connection.execute(sa.select(sa.func.setval(sequence, highest.scalar_subquery() + 1)))


def _take_over(connection: sa.Connection, old: sa.Table, new: sa.Table, encrypt: _Encrypt) -> None:
    encryption: Encryption = context.config.attributes["encryption"]
    names = [column.name for column in old.c if column.name in new.c]
    order: list[sa.Column[Any]] = [*old.primary_key]
    wanted = sa.select(old).order_by(*order)
    if new.name == "outbox":
        names.remove("id")  # nothing refers to it; the order of arrival stays
        # Erased rows, perhaps a million, are not looked at one by one.
        erased = sa.select(*(old.c[name] for name in names)).where(old.c.contact.is_(None))
        connection.execute(sa.insert(new).from_select(names, erased.order_by(*order)))
        wanted = wanted.where(old.c.contact.is_not(None))
    found = connection.execute(wanted).mappings()
    while rows := found.fetchmany(_BATCH_ROWS):
        values = [{**{it: row[it] for it in names}, **encrypt(encryption, row)} for row in rows]
        connection.execute(sa.insert(new), values)


def _encrypt_contact(encryption: Encryption, row: sa.RowMapping) -> dict[str, Any]:
    return {
        "contact": encryption.encrypt(row["contact"], f"contact {row['key']}"),
        "encrypted_with": encryption.key_ids[0],
        "mobile_hash": encryption.hash(json.loads(row["contact"])["Mobile"]),
    }


def _encrypt_reading(encryption: Encryption, row: sa.RowMapping) -> dict[str, Any]:
    reading = {"digest": row["digest"], **json.loads(row["reading"])}
    text = json.dumps(reading, ensure_ascii=False)
    return {
        "reading": encryption.encrypt(text, f"reading {row['reference']}"),
        "encrypted_with": encryption.key_ids[0],
    }


def _encrypt_row(encryption: Encryption, row: sa.RowMapping) -> dict[str, Any]:
    texts = {
        name: encryption.encrypt(row[name], f"{name} {row['key']}") if row[name] else None
        for name in ("cells", "contact", "faults")
    }
    contact = json.loads(row["contact"] or "{}")
    mobile_hash = encryption.hash(contact["Mobile"]) if contact else None
    return {**texts, "encrypted_with": encryption.key_ids[0], "mobile_hash": mobile_hash}


_ENCRYPT: dict[str, _Encrypt] = {
    "outbox": _encrypt_contact,
    "imports": _encrypt_reading,
    "import_rows": _encrypt_row,
}
