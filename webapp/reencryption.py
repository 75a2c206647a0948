"""Encrypts rows anew after a rotation of `SECRET_KEY`, and counts rows that no key opens.

It names the tables of the outbox and of imports, so it stands above both.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, RowMapping, Table, bindparam, func, select, update

from webapp.contact import MOBILE
from webapp.database import Database
from webapp.database.encryption import DAMAGED, UnreadableText
from webapp.imports import tables
from webapp.outbox import rows as submission

log = logging.getLogger(__name__)

REENCRYPTION_INTERVAL_S: Final = 5.0  # between two calls of `rewrite` by one worker
UNREADABLE_INTERVAL_S: Final = 60.0  # between two calls of `log_unreadable`

_BATCH_ROWS: Final = 500  # in one short transaction
_MAX_BATCHES: Final = 20  # at a time: the worker has other work as well


@dataclass(frozen=True, slots=True)
class _EncryptedTable:
    """A table with ciphertexts, and the column whose value they are bound to."""

    table: Table
    ciphertexts: tuple[str, ...]
    bound_to: str

    @property
    def key_id(self) -> Column[str]:
        return self.table.c.encrypted_with

    @property
    def changed(self) -> list[str]:
        """The columns that change with the key."""
        names = (*self.ciphertexts, "encrypted_with", "mobile_hash")
        return [name for name in names if name in self.table.c]


_TABLES: Final = (
    _EncryptedTable(submission.table, ("contact",), "key"),
    _EncryptedTable(tables.imports, ("reading",), "reference"),
    _EncryptedTable(tables.import_rows, ("cells", "contact", "faults", "differences"), "key"),
)


class Reencryption:
    """The ciphertexts of all tables. Each method raises a DatabaseError if the database fails."""

    def __init__(self, database: Database) -> None:
        """Use this database, and its keys."""
        self._database = database
        self._encryption = database.encryption
        self._logged = 0

    def rewrite(self) -> None:
        """Encrypt up to ten thousand rows of each table with the newest key."""
        _, *older = self._encryption.key_ids
        if not older:
            return
        for one in _TABLES:
            rows = select(one.table).where(one.key_id.in_(older)).limit(_BATCH_ROWS)
            for _ in range(_MAX_BATCHES):
                with self._database.read() as connection:
                    found = connection.execute(rows).mappings().all()
                if not found:
                    break
                with self._database.write() as connection:
                    changes = [self._rewritten(one, row) for row in found]
                    connection.execute(_rewriting(one), changes)

    def _rewritten(self, one: _EncryptedTable, row: RowMapping) -> dict[str, Any]:
        """Return the parameters that rewrite a row; a damaged one is only marked."""
        old = {f"old_{name}": value for name, value in row.items()}
        try:
            new = self._reencrypted(one, row)
        except UnreadableText:
            log.error("a row of the table %s is damaged", one.table.name)  # noqa: TRY400
            new = {**row, "encrypted_with": DAMAGED}
        return old | {f"new_{name}": new[name] for name in one.changed}

    def _reencrypted(self, one: _EncryptedTable, row: RowMapping) -> dict[str, Any]:
        values = {name: row[name] for name in one.changed}
        for name in filter(row.get, one.ciphertexts):
            context = f"{name} {row[one.bound_to]}"
            text = self._encryption.decrypt(row[name], row["encrypted_with"], context)
            values[name] = self._encryption.encrypt(text, context)
            if name == "contact":
                values["mobile_hash"] = self._encryption.hash(json.loads(text)[MOBILE])
        return values | {"encrypted_with": self._encryption.key_ids[0]}

    def count_older(self) -> int:
        """Count the rows under an older key, which must stay in `SECRET_KEY`."""
        return self._count(lambda key_id: key_id.in_(self._encryption.key_ids[1:]))

    def count_unreadable(self) -> int:
        """Count the rows that no key opens."""
        return self._count(lambda key_id: key_id.not_in(self._encryption.key_ids))

    def _count(self, condition: Callable[[Column[str]], Any]) -> int:
        counts = [
            select(func.count()).select_from(one.table).where(condition(one.key_id))
            for one in _TABLES
        ]
        with self._database.read() as connection:
            return sum(connection.execute(count).scalar_one() for count in counts)

    def log_unreadable(self) -> None:
        """Log how many rows no key opens, at the start and when their number changes."""
        count = self.count_unreadable()
        if count and count != self._logged:
            log.error(
                "%d rows cannot be decrypted, and are not sent: put the key that is missing back"
                " into SECRET_KEY",
                count,
            )
        elif self._logged and not count:
            log.warning("all rows can be decrypted again")
        self._logged = count


def _rewriting(one: _EncryptedTable) -> Any:  # noqa: ANN401  SQL
    """Return the UPDATE of a row that nobody has changed in the meantime."""
    unchanged = (*one.table.primary_key, one.table.c[one.ciphertexts[0]])
    conditions = (column == bindparam(f"old_{column.name}") for column in unchanged)
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in one.changed}
    return update(one.table).where(*conditions).values(changed)
