"""Which proofs of work are spent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, DateTime, String, Table, delete, select

from webapp.delivery.database import metadata

if TYPE_CHECKING:
    from webapp.delivery.database import Database

_spent: Final = Table(
    "spent",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("key", String(64), nullable=False, server_default=""),
    Column("until", DateTime, nullable=False),
)


class UsedProofs:
    """Names that are good for one submission each."""

    def __init__(self, store: Database) -> None:
        """Remember in this store."""
        self._store = store

    def spend(self, name: str, until: datetime, key: str) -> bool:
        """Tell whether this name is good for the submission of this key.

        Args:
            name: What is spent.
            until: How long it is remembered at least.
            key: The submission; sent twice, as by a double click, it has spent the name once.

        Raises:
            DatabaseError: if the store fails.
        """
        moment = until.astimezone(UTC).replace(tzinfo=None)
        with self._store.write() as connection:
            connection.execute(delete(_spent).where(_spent.c.until < self._store.after()))
            adding = self._store.adding(_spent, name=name, key=key, until=moment)
            if connection.execute(adding).first():
                return True
            spender = connection.execute(select(_spent.c.key).where(_spent.c.name == name))
            return bool(spender.scalar() == key)
