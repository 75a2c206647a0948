"""Keyed hashes of mobile numbers, by which submissions with one number are found.

A hash stands beside its contact, as long as that is there. Rows of imports and of the former
version have none at first; a job of the worker adds them.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select, update

from webapp.contact import MOBILE
from webapp.delivery.submission import dump_contact, is_unhashed, load_contact, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from webapp.contact import Contact
    from webapp.delivery.database import Database

HASH_INTERVAL_S: Final = 5.0  # between two calls of `fill` by one worker

_HASH_LENGTH: Final = 32  # hexadecimal digits: 128 bits
_BATCH_ROWS: Final = 1_000  # in one short transaction
_MAX_BATCHES: Final = 10  # at a time: the worker has other work as well

_c: Final = table.c


class MobileHashes:
    """The column `mobile_hash` of the outbox. `fill` raises a DatabaseError if the database fails.

    A hash of an older key is found as long as that stands in `SECRET_KEY`.
    """

    def __init__(self, database: Database, secret_keys: Sequence[str]) -> None:
        """Hash with keys derived from these, newest first."""
        self._database = database
        self._keys = [hmac.digest(key.encode(), b"mobile hash", "sha256") for key in secret_keys]

    def columns(self, contact: Contact) -> dict[str, str]:
        """Return the values of the columns that store a contact."""
        mobile_hash, *_ = self._hashes(str(contact[MOBILE]))
        return {"contact": dump_contact(contact), "mobile_hash": mobile_hash}

    def has_mobile(self, mobile: str) -> ColumnElement[bool]:
        """Return the condition for rows with this normalised number.

        A program of the former version changes a contact and leaves its hash as it was, so the
        caller compares the number itself.
        """
        return _c.mobile_hash.in_(self._hashes(mobile))

    def fill(self) -> None:
        """Add the hashes of up to ten thousand rows that have none."""
        unhashed = select(_c.id, _c.contact).where(is_unhashed).order_by(_c.id).limit(_BATCH_ROWS)
        # A contact that was corrected since has its hash.
        filled = update(table).where(_c.id == bindparam("row_id"), is_unhashed)
        filled = filled.values(mobile_hash=bindparam("hash"))
        for _ in range(_MAX_BATCHES):
            with self._database.read() as connection:
                rows = connection.execute(unhashed).all()
            if not rows:
                return
            hashes = [{"row_id": row.id, "hash": self._stored_hash(row.contact)} for row in rows]
            with self._database.write() as connection:
                connection.execute(filled, hashes)

    def _stored_hash(self, text: str) -> str:
        contact = load_contact(text)
        return self._hashes(str(contact[MOBILE]))[0] if contact else ""

    def _hashes(self, mobile: str) -> list[str]:
        return [hmac.digest(k, mobile.encode(), "sha256").hex()[:_HASH_LENGTH] for k in self._keys]
