"""The longest texts that the portal has accepted, by field.

It documents no maximum lengths, and its statuses `Length_Invalid` and `Length_Exceeded` name no
field: what it has accepted before cannot be the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Integer, String, Table, bindparam, select, update

from webapp.delivery.engine import metadata

if TYPE_CHECKING:
    from webapp.contact import Contact
    from webapp.delivery.database import Database

_table: Final = Table(
    "accepted_lengths",
    metadata,
    Column("field", String(40), primary_key=True),
    Column("length", Integer, nullable=False),
)
_c: Final = _table.c
_RAISE: Final = (
    update(_table)
    .where(_c.field == bindparam("name"), _c.length < bindparam("found"))
    .values(length=bindparam("found"))
)


class AcceptedLengths:
    """These lengths, in code points. Each method raises a DatabaseError if the database fails."""

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
        self._database = database
        self._known: dict[str, int] = {}

    def add(self, contact: Contact) -> None:
        """Record the lengths of a contact that the portal has accepted."""
        if not self._longer(contact):
            return
        self._read()
        longer = self._longer(contact)
        if not longer:
            return
        with self._database.write() as connection:
            for name, length in longer.items():
                connection.execute(
                    self._database.insert_or_ignore(_table, field=name, length=length)
                )
                connection.execute(_RAISE, {"name": name, "found": length})
        self._known.update(longer)

    def exceeding(self, contact: Contact) -> tuple[str, ...]:
        """Return the API names of the fields that are longer than any value accepted before."""
        self._read()
        return tuple(self._longer(contact))

    def _read(self) -> None:
        with self._database.read() as connection:
            rows = connection.execute(select(_c.field, _c.length)).all()
        self._known = {row.field: row.length for row in rows}

    def _longer(self, contact: Contact) -> dict[str, int]:
        lengths = {name: _length(value) for name, value in contact.values.items()}
        return {name: n for name, n in lengths.items() if n > self._known.get(name, 0)}


def _length(value: object) -> int:
    """Return the length of a text, or of the longest label; 0 for other types."""
    if isinstance(value, tuple):
        return max(map(len, value), default=0)
    return len(value) if isinstance(value, str) else 0
