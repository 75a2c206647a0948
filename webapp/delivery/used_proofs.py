"""Proofs of work that were used: each is valid for one submission."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, DateTime, String, Table, delete, select

from webapp.database.engine import metadata

if TYPE_CHECKING:
    from webapp.database import Database

_used_proofs: Final = Table(
    "spent",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("key", String(64), nullable=False, server_default=""),
    Column("until", DateTime, nullable=False),
)


class UsedProofs:
    """The table of used proofs, named `spent` in the database."""

    def __init__(self, database: Database) -> None:
        """Use the table in this database."""
        self._database = database

    def consume(self, name: str, until: datetime, key: str) -> bool:
        """Record that a submission uses a proof; return whether it may.

        Args:
            name: The name of the proof.
            until: How long to remember it at least.
            key: The submission's key; the same submission, sent again, may use its proof again.

        Raises:
            DatabaseError: if the database fails.
        """
        expires = until.astimezone(UTC).replace(tzinfo=None)
        used = _used_proofs.c
        insert = self._database.insert_or_ignore(_used_proofs, name=name, key=key, until=expires)
        with self._database.write() as connection:
            connection.execute(delete(_used_proofs).where(used.until < self._database.now_plus()))
            if connection.execute(insert).first():
                return True
            user = connection.execute(select(used.key).where(used.name == name)).scalar()
            return bool(user == key)
