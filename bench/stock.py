"""Fills an outbox with very many rows at once, for benchmarks and tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from webapp.contact import Contact
from webapp.delivery.database import Database
from webapp.delivery.outbox import Outbox
from webapp.delivery.submission import RETENTION, State, dump_contact, table
from webapp.delivery.timing import Timing

if TYPE_CHECKING:
    from pathlib import Path

_TIMING = Timing(deadline=timedelta(seconds=8), settle=timedelta(seconds=120))
_PURGE_BATCH_ROWS = 50_000


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
        (row,) = connection.execute(table.select()).mappings()
        connection.execute(table.delete())
    for start in range(0, count, _PURGE_BATCH_ROWS):
        rows = [
            {
                **row,
                "id": number + 1,
                "key": key(number),
                "contact": dump_contact(contact(number)),
                **changes,
            }
            for number in range(start, min(start + _PURGE_BATCH_ROWS, count))
        ]
        with database.write() as connection:
            connection.execute(insert(table), rows)


def let_wait(folder: Path, count: int) -> None:
    """Let so many contacts wait in a folder's outbox."""
    fill(_database(folder), count)


def deliver(folder: Path, count: int) -> None:
    """Let so many have been delivered."""
    database = _database(folder)
    until = datetime.now(UTC).replace(tzinfo=None) + RETENTION
    fill(database, count, state=State.DELIVERED, contact=None, portal_id=1, due=until)


def _database(folder: Path) -> Database:
    return Database(f"sqlite:///{folder}/outbox.sqlite3")
