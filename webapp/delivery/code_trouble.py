"""Why codes could not be sent lately: one row that all processes share."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, DateTime, Integer, String, Table, delete, select, update

from webapp.database.engine import metadata

if TYPE_CHECKING:
    from webapp.database import Database

_trouble: Final = Table(
    "code_trouble",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1; no row while codes are sent
    Column("status", String(64), nullable=False),
    Column("since", DateTime, nullable=False),
)


class CodeTrouble:
    """The trouble, from the first code that was not sent to the next one that is.

    Each method raises a DatabaseError if the database fails.
    """

    def __init__(self, database: Database) -> None:
        """Use the table in this database."""
        self._database = database

    def read(self, *, min_age: timedelta = timedelta(0)) -> str:
        """Return the status for which no code was sent, the portal's or ours; "" if all is well.

        Args:
            min_age: A trouble that has not lasted for so long is none.
        """
        is_old = _trouble.c.since <= self._database.now_plus(-min_age)
        with self._database.read() as connection:
            return connection.execute(select(_trouble.c.status).where(is_old)).scalar() or ""

    def set(self, status: str) -> None:
        """Record that a code was not sent."""
        values = {"status": status, "since": self._database.now_plus()}
        insert = self._database.insert_or_ignore(_trouble, id=1, **values)
        with self._database.write() as connection:
            if connection.execute(insert).first() is None:
                connection.execute(update(_trouble).values(status=status))

    def clear(self) -> None:
        """Record that a code was sent."""
        if self.read():
            with self._database.write() as connection:
                connection.execute(delete(_trouble))
