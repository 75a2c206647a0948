"""The codes that verify mobile numbers: their table, and its conditional updates.

A code is stored as a keyed hash that is valid for one submission. What bounds guessing and sending
is counted by UPDATEs that fail once the bound is reached, so no number of parallel requests,
processes or machines exceeds it.
"""

from __future__ import annotations

import enum
import hmac
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    String,
    Table,
    and_,
    case,
    delete,
    select,
    update,
)

from webapp.delivery.code_trouble import CodeTrouble
from webapp.delivery.engine import metadata
from webapp.delivery.submission import UNVERIFIED_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

    from webapp.delivery.database import Database

LIFETIME: Final = timedelta(minutes=10)  # of a code
MAX_TRIES: Final = 5  # of each code
# The pause after each sending; after the last one, only another number helps.
PAUSES: Final = (timedelta(seconds=60), timedelta(seconds=120), timedelta(seconds=300))
MAX_SENDINGS: Final = len(PAUSES)
# A verified number needs no other code if its person sends the form again, corrected.
VERIFIED_FOR: Final = timedelta(minutes=10)

_DAYS_KEPT: Final = timedelta(days=7)
_PURGE_BATCH_ROWS: Final = 1_000

_codes: Final = Table(
    "codes",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("number", String(64), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("sendings", Integer, nullable=False),
    Column("resend_at", DateTime, nullable=False),
    Column("expires_at", DateTime, nullable=False),
    Column("verified_until", DateTime),
    Column("created_at", DateTime, nullable=False),
    Index("codes_created_at", "created_at"),
)
_days: Final = Table(
    "code_days",
    metadata,
    Column("day", Date, primary_key=True),  # in UTC
    Column("count", Integer, nullable=False),
)
_c: Final = _codes.c


class Check(enum.Enum):
    """What came of a try."""

    RIGHT = enum.auto()
    WRONG = enum.auto()
    USED_UP = enum.auto()  # all tries of this code were used
    EXPIRED = enum.auto()


@dataclass(frozen=True, slots=True)
class CodeState:
    """What a page says about a submission's code.

    Attributes:
        tries_left: How often a code may still be typed.
        sendings_left: How often another one may still be sent.
        resend_in_s: Seconds until that is possible.
        is_valid: Whether the last code may still be typed.
    """

    tries_left: int
    sendings_left: int
    resend_in_s: float
    is_valid: bool


@dataclass(frozen=True, slots=True)
class StoredCode:
    """A code as it is stored, to be stored again if the one that replaces it is not sent."""

    hash: str
    tries: int
    expires_at: datetime


class Codes:
    """The table of codes. Each method raises a DatabaseError if the database fails.

    Attributes:
        trouble: Why no code could be sent lately.
    """

    def __init__(self, database: Database, keys: Sequence[str], *, per_day: int) -> None:
        """Use the tables in this database.

        Args:
            database: The outbox's.
            keys: The application's keys, newest first. The first one makes hashes, all check them.
            per_day: How many codes may be sent each day (UTC) by all who share the database.
        """
        self.trouble = CodeTrouble(database)
        self._database = database
        # Derived keys: a hash made here is not valid for anything else.
        self._keys = [hmac.digest(key.encode(), b"code by SMS", "sha256") for key in keys]
        self._per_day = per_day

    def add(self, key: str, mobile: str) -> bool:
        """Make room for the code of a submission; return whether there was none."""
        now = self._database.now_plus
        row = {"tries": 0, "sendings": 0, "hash": "", "number": self._hash(mobile)}
        times = {"resend_at": now(), "expires_at": now(), "created_at": now()}
        insert = self._database.insert_or_ignore(_codes, key=key, **row, **times)
        with self._database.write() as connection:
            return connection.execute(insert).first() is not None

    def take_sending(self, key: str) -> int:
        """Take one of a submission's sendings, if it may have one now.

        Returns:
            Which one it is, from 1 on; 0 if it is too early, or all are taken.
        """
        now = self._database.now_plus
        pause = case({n: now(pause) for n, pause in enumerate(PAUSES)}, value=_c.sendings)
        taken = (
            update(_codes)
            .where(_c.key == key, _c.sendings < MAX_SENDINGS, _c.resend_at <= now())
            .values(sendings=_c.sendings + 1, resend_at=pause)
            .returning(_c.sendings)
        )
        with self._database.write() as connection:
            return connection.execute(taken).scalar() or 0

    def take_of_day(self) -> bool:
        """Take one of the codes of this day; return False if all are taken."""
        today = datetime.now(UTC).date()
        insert = self._database.insert_or_ignore(_days, day=today, count=0)
        taken = (
            update(_days)
            .where(_days.c.day == today, _days.c.count < self._per_day)
            .values(count=_days.c.count + 1)
            .returning(_days.c.count)
        )
        with self._database.write() as connection:
            connection.execute(insert)
            return connection.execute(taken).scalar() is not None

    def store(self, key: str, code: str) -> None:
        """Replace a submission's code: the former one is not valid any more."""
        now = self._database.now_plus
        stored = update(_codes).where(_c.key == key)
        values = {"hash": self._hash(key, code), "tries": 0, "expires_at": now(LIFETIME)}
        with self._database.write() as connection:
            connection.execute(stored.values(**values))

    def valid(self, key: str) -> StoredCode | None:
        """Return a submission's code, if it may still be typed."""
        found = select(_c.hash, _c.tries, _c.expires_at)
        is_valid = and_(_c.tries < MAX_TRIES, _c.expires_at > self._database.now_plus())
        with self._database.read() as connection:
            row = connection.execute(found.where(_c.key == key, is_valid)).mappings().first()
        return StoredCode(**row) if row else None

    def restore(self, key: str, code: StoredCode) -> None:
        """Store a submission's former code again, with the tries that were left."""
        restored = update(_codes).where(_c.key == key).values(**asdict(code))
        with self._database.write() as connection:
            connection.execute(restored)

    def check(self, key: str, code: str) -> Check:
        """Count a try, then compare a code."""
        now = self._database.now_plus()
        counted = (
            update(_codes)
            .where(_c.key == key, _c.tries < MAX_TRIES, _c.expires_at > now)
            .values(tries=_c.tries + 1)
            .returning(_c.hash)
        )
        with self._database.write() as connection:
            stored = connection.execute(counted).scalar()
        if stored is None:
            state = self.state(key)
            is_used_up = state is not None and state.tries_left == 0
            return Check.USED_UP if is_used_up else Check.EXPIRED
        # Each key is tried, whichever fits: the time tells nothing.
        fits = [hmac.compare_digest(self._digest(it, key, code), stored) for it in self._keys]
        return Check.RIGHT if any(fits) else Check.WRONG

    def state(self, key: str) -> CodeState | None:
        """Return the state of a submission's code; None if it has none."""
        with self._database.read() as connection:
            row = connection.execute(_STATE.where(_c.key == key)).mappings().first()
        return _state(row) if row else None

    def mark_verified(self, connection: Connection, key: str) -> None:
        """Record that a submission's number is verified, in the transaction that sends it."""
        until = self._database.now_plus(VERIFIED_FOR)
        connection.execute(update(_codes).where(_c.key == key).values(verified_until=until))

    def has_verified(self, key: str, mobile: str) -> bool:
        """Return whether a submission verified this number within the last minutes."""
        now = self._database.now_plus()
        found = select(_c.number).where(_c.key == key, _c.verified_until > now)
        with self._database.read() as connection:
            number = connection.execute(found).scalar()
        hashes = [self._digest(it, mobile) for it in self._keys]
        return number is not None and any(hmac.compare_digest(it, number) for it in hashes)

    def _hash(self, *parts: str) -> str:
        return self._digest(self._keys[0], *parts)

    def _digest(self, key: bytes, *parts: str) -> str:
        return hmac.digest(key, " ".join(parts).encode(), "sha256").hex()


_STATE: Final = select(_c.tries, _c.sendings, _c.resend_at, _c.expires_at)


def _state(row: RowMapping) -> CodeState:
    now = datetime.now(UTC).replace(tzinfo=None)
    return CodeState(
        tries_left=MAX_TRIES - row["tries"],
        sendings_left=MAX_SENDINGS - row["sendings"],
        resend_in_s=max(0.0, (row["resend_at"] - now).total_seconds()),
        is_valid=row["tries"] < MAX_TRIES and row["expires_at"] > now,
    )


def purge_codes(database: Database, connection: Connection) -> None:
    """Delete codes of an hour ago, and counts of days long past, in this transaction."""
    old = select(_c.key).where(_c.created_at <= database.now_plus(-UNVERIFIED_LIFETIME))
    old_day = datetime.now(UTC).date() - _DAYS_KEPT
    connection.execute(delete(_codes).where(_c.key.in_(old.limit(_PURGE_BATCH_ROWS))))
    connection.execute(delete(_days).where(_days.c.day < old_day))
