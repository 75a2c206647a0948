"""Fills an outbox with very many rows at once, for benchmarks and tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, literal, select

from webapp.contact import Contact
from webapp.outbox import Outbox
from webapp.outbox.rows import ERASED, RETENTION, State, Timing, contact_columns, table

if TYPE_CHECKING:
    from webapp.database import Database

_TIMING = Timing(deadline=timedelta(seconds=8), settle=timedelta(seconds=120))
_PURGE_BATCH_ROWS = 50_000
_WRITTEN = 10_000
_FIRST_COPY = f"{1:032x}"
_BUT_ID = [column for column in table.columns if column.name != "id"]  # which the database gives


def contact(number: int) -> Contact:
    """Return one of many contacts."""
    return Contact(Mobile=f"0912{number:07}", FName="سارا")


def key(number: int) -> str:
    """Return its submission's key."""
    return f"{number:064x}"


def fill(database: Database, count: int, **changes: object) -> None:
    """Add so many rows in large transactions.

    Args:
        database: The database.
        count: How many.
        changes: What differs from contacts that wait to be sent, due now.
    """
    outbox = Outbox(database, _TIMING)
    # The first by the front door; ten thousand commits would take half a minute.
    outbox.add(contact(0), key(0), form="contact", send=False)
    with database.write() as connection:
        (row,) = connection.execute(select(*_BUT_ID)).mappings()
        connection.execute(table.delete())
    for start in range(0, count, _PURGE_BATCH_ROWS):
        rows = [
            {
                **row,
                "key": key(number),
                **contact_columns(database.encryption, contact(number), key(number)),
                **changes,
            }
            for number in range(start, min(start + _PURGE_BATCH_ROWS, count))
        ]
        with database.write() as connection:
            connection.execute(insert(table), rows)


def deliver(database: Database, count: int) -> None:
    """Let so many have been delivered."""
    until = datetime.now(UTC).replace(tzinfo=None) + RETENTION
    fill(
        *(database, min(count, _WRITTEN)),
        **{**ERASED, "state": State.DELIVERED, "portal_id": 1, "due": until},
    )
    # Copies that differ in the first half of their keys: sending a million rows takes a minute.
    for start in range(_WRITTEN, count, _WRITTEN):
        key = literal(f"{start:032x}") + func.substr(table.c.key, 33)
        values = [key if column is table.c.key else column for column in _BUT_ID]
        copies = select(*values).where(table.c.key < _FIRST_COPY).limit(count - start)
        with database.write() as connection:
            connection.execute(insert(table).from_select(_BUT_ID, copies))
