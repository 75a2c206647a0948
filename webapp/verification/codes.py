"""The codes that verify mobile numbers: their table, and its conditional updates.

A code is stored as a keyed hash that is valid for one submission. What bounds guessing is counted
by an UPDATE that fails once the bound is reached, and a sending is taken in the transaction that
looks at its limits: no number of parallel requests, processes or machines exceeds them.
"""

from __future__ import annotations

import enum
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    and_,
    case,
    delete,
    select,
    update,
)

from webapp.alerts.problems import CodeTrouble
from webapp.database import Database
from webapp.database.engine import metadata
from webapp.outbox.rows import UNVERIFIED_LIFETIME
from webapp.verification.limits import CodeLimits, Counted, Limit, NotTaken, Sending, purge_sendings

LIFETIME: Final = timedelta(minutes=10)  # of a code
MAX_TRIES: Final = 5  # of each code
# The pause after each sending; after the last one, only another number helps.
PAUSES: Final = (timedelta(seconds=60), timedelta(seconds=120), timedelta(seconds=300))
MAX_SENDINGS: Final = len(PAUSES)
# A verified number needs no other code if its person sends the form again, corrected.
VERIFIED_FOR: Final = timedelta(minutes=10)

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
_c: Final = _codes.c


class CodeCheck(enum.Enum):
    """The result of a try."""

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
        may_resend: Whether another one may be sent, now or after that pause.
    """

    tries_left: int
    sendings_left: int
    resend_in_s: float
    is_valid: bool
    may_resend: bool


@dataclass(frozen=True, slots=True)
class StoredCode:
    """A code as it is stored, to be stored again if the one that replaces it is not sent."""

    hash: str
    tries: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A sending that was taken for a new code.

    Attributes:
        sending: What the limits count.
        former: The submission's former code, if it was still valid.
    """

    sending: Sending
    former: StoredCode | None


class Codes:
    """The table of codes. Each method raises a DatabaseError if the database fails.

    Attributes:
        trouble: Why no code could be sent lately.
        limits: How many codes are sent.
    """

    def __init__(
        self,
        database: Database,
        keys: Sequence[str],
        *,
        per_day: int,
        limits: Mapping[str, Sequence[Limit]] = MappingProxyType({}),
    ) -> None:
        """Use the tables in this database; the newest key, which is first, makes hashes.

        All keys check them. For the other arguments, see `CodeLimits`.
        """
        self.trouble = CodeTrouble(database)
        self._database = database
        # Derived keys: a hash made here is not valid for anything else.
        self._keys = [hmac.digest(key.encode(), b"code by SMS", "sha256") for key in keys]
        self.limits = CodeLimits(database, self._keys, per_day=per_day, limits=limits)

    def add(self, key: str, mobile: str) -> bool:
        """Create the row for a submission's code if it is missing; return whether it was."""
        now = self._database.now_plus
        row = {"tries": 0, "sendings": 0, "hash": "", "number": self._hash(mobile)}
        times = {"resend_at": now(), "expires_at": now(), "created_at": now()}
        insert = self._database.insert_or_ignore(_codes, key=key, **row, **times)
        with self._database.write() as connection:
            return connection.execute(insert).first() is not None

    def take(self, key: str, code: str, counted: Counted) -> Taken | NotTaken:
        """Take a sending for a submission and store its code, which replaces the former one.

        Nothing is taken if it is too early, if all sendings of the submission are taken, or if a
        limit is used up.
        """
        may_send = select(_c.key).where(_c.key == key, self._may_send())
        with self._database.write() as connection:
            day = self.limits.lock(connection)
            if connection.execute(may_send).first() is None:
                return NotTaken(must_wait=True)
            if reached := self.limits.reached(connection, counted, day):
                return reached
            former = self._valid(connection, key)
            self._take(connection, key, code)
            return Taken(self.limits.take(connection, counted, day), former)

    def pretend(self, key: str) -> bool:
        """Take a sending for a code that is sent to nobody; return whether there was one."""
        with self._database.write() as connection:
            return self._take(connection, key, secrets.token_hex())

    def undo(self, key: str, taken: Taken, *, is_unsent: bool) -> None:
        """Store a submission's former code again, as the new one was not sent.

        If it certainly `is_unsent`, no limit counts it.
        """
        with self._database.write() as connection:
            if taken.former:
                former = asdict(taken.former)
                connection.execute(update(_codes).where(_c.key == key).values(**former))
            if is_unsent:
                self.limits.give_back(connection, taken.sending)

    def number_reached(self, mobile: str) -> NotTaken | None:
        """Return why the limits allow no code to this number now."""
        with self._database.read() as connection:
            return self.limits.reached_by_number(connection, mobile)

    def store(self, key: str, code: str) -> None:
        """Store the code that the portal has sent in place of ours."""
        stored = update(_codes).where(_c.key == key).values(hash=self._hash(key, code))
        with self._database.write() as connection:
            connection.execute(stored)

    def has_valid(self, key: str) -> bool:
        """Return whether a submission has a code that may still be typed."""
        with self._database.read() as connection:
            return self._valid(connection, key) is not None

    def check(self, key: str, code: str) -> CodeCheck:
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
            return CodeCheck.USED_UP if is_used_up else CodeCheck.EXPIRED
        # Each key is tried, whichever fits: the time it takes reveals nothing.
        fits = [hmac.compare_digest(self._digest(it, key, code), stored) for it in self._keys]
        return CodeCheck.RIGHT if any(fits) else CodeCheck.WRONG

    def state(self, key: str, mobile: str = "") -> CodeState | None:
        """Return the state of a submission's code, limits of its number included; None without."""
        with self._database.read() as connection:
            now = self._database.now_plus().label("now")
            stored = select(_c.tries, _c.sendings, _c.resend_at, _c.expires_at, now)
            row = connection.execute(stored.where(_c.key == key)).mappings().first()
            reached = self.limits.reached_by_number(connection, mobile) if row and mobile else None
        return _state(row, is_limited=reached is not None) if row else None

    def has_verified(self, key: str, mobile: str) -> bool:
        """Return whether a submission verified this number within the last minutes."""
        now = self._database.now_plus()
        verified = select(_c.number).where(_c.key == key, _c.verified_until > now)
        with self._database.read() as connection:
            number = connection.execute(verified).scalar()
        hashes = [self._digest(it, mobile) for it in self._keys]
        return number is not None and any(hmac.compare_digest(it, number) for it in hashes)

    def _may_send(self) -> ColumnElement[bool]:
        return and_(_c.sendings < MAX_SENDINGS, _c.resend_at <= self._database.now_plus())

    def _take(self, connection: Connection, key: str, code: str) -> bool:
        """Count one of a submission's sendings, and store its code."""
        now = self._database.now_plus
        pause = case({n: now(pause) for n, pause in enumerate(PAUSES)}, value=_c.sendings)
        values = {"hash": self._hash(key, code), "tries": 0, "expires_at": now(LIFETIME)}
        taken = update(_codes).where(_c.key == key, self._may_send())
        moved = taken.values(**values, sendings=_c.sendings + 1, resend_at=pause)
        return connection.execute(moved.returning(_c.sendings)).first() is not None

    def _valid(self, connection: Connection, key: str) -> StoredCode | None:
        """Return a submission's code, if it may still be typed."""
        is_valid = and_(_c.tries < MAX_TRIES, _c.expires_at > self._database.now_plus())
        stored = select(_c.hash, _c.tries, _c.expires_at).where(_c.key == key, is_valid)
        row = connection.execute(stored).mappings().first()
        return StoredCode(**row) if row else None

    def _hash(self, *parts: str) -> str:
        return self._digest(self._keys[0], *parts)

    def _digest(self, key: bytes, *parts: str) -> str:
        return hmac.digest(key, " ".join(parts).encode(), "sha256").hex()


def _state(row: RowMapping, *, is_limited: bool) -> CodeState:
    now = row["now"]
    return CodeState(
        tries_left=MAX_TRIES - row["tries"],
        sendings_left=MAX_SENDINGS - row["sendings"],
        resend_in_s=max(0.0, (row["resend_at"] - now).total_seconds()),
        is_valid=row["tries"] < MAX_TRIES and row["expires_at"] > now,
        may_resend=row["sendings"] < MAX_SENDINGS and not is_limited,
    )


def mark_verified(database: Database, connection: Connection, key: str) -> None:
    """Record that a submission's number is verified, in the transaction that sends it."""
    until = database.now_plus(VERIFIED_FOR)
    connection.execute(update(_codes).where(_codes.c.key == key).values(verified_until=until))


def purge_codes(database: Database, connection: Connection) -> None:
    """Delete codes of an hour ago, and sendings that no limit counts, in this transaction."""
    old = select(_c.key).where(_c.created_at <= database.now_plus(-UNVERIFIED_LIFETIME))
    connection.execute(delete(_codes).where(_c.key.in_(old.limit(_PURGE_BATCH_ROWS))))
    purge_sendings(database, connection)
