"""Which proofs of work are spent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, DateTime, String, Table, delete, select

from webapp.delivery.database import metadata

if TYPE_CHECKING:
    from webapp.delivery.database import Database

_used_proofs: Final = Table(
    "spent",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("key", String(64), nullable=False, server_default=""),
    Column("until", DateTime, nullable=False),
)


class UsedProofs:
    """Names that are good for one submission each."""

    def __init__(self, database: Database) -> None:
        """Remember in this store."""
        self._database = database

    def consume(self, name: str, until: datetime, key: str) -> bool:
        """Tell whether this name is good for the submission of this key.

        Args:
            name: What is spent.
            until: How long it is remembered at least.
            key: The submission; sent twice, as by a double click, it has spent the name once.

        Raises:
            DatabaseError: if the store fails.
        """
        moment = until.astimezone(UTC).replace(tzinfo=None)
        with self._database.write() as connection:
            connection.execute(
                delete(_used_proofs).where(_used_proofs.c.until < self._database.now_plus())
            )
            insert = self._database.insert_or_ignore(_used_proofs, name=name, key=key, until=moment)
            if connection.execute(insert).first():
                return True
            owner = connection.execute(
                select(_used_proofs.c.key).where(_used_proofs.c.name == name)
            )
            return bool(owner.scalar() == key)
