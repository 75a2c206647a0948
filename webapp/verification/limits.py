"""How many codes are sent: to a number, for a network and for a form, and in a day.

Each code is counted in the transaction that takes it, so that no number of parallel requests,
processes, machines or restarts exceeds a limit. What the portal has not sent is given back.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from limits import parse_many
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    DateTime,
    Index,
    Integer,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from webapp.database import CachedValue, Database
from webapp.database.engine import metadata
from webapp.settings import Settings

CODES_USED_UP: Final = "CodesOfDayUsedUp"  # our own status, named like the portal's
# The settings of limits that many numbers share.
SHARED_LIMITS: Final = ("LIMIT_CODE_ADDRESS", "LIMIT_CODE_FORM")

NUMBER: Final = "number"
_COLUMNS: Final = (NUMBER, "network", "wide_network", "form")  # as the attributes of `Counted`

# So many networks of the narrow kind may be used up within a wide one. Two: with the defaults, no
# wide network gets all codes of a day.
_NETWORKS_IN_WIDE: Final = 2
_SHARE_TTL_S: Final = 10.0
_DAYS_KEPT: Final = timedelta(days=7)
_ONE_DAY: Final = timedelta(days=1)

_days: Final = Table(
    "code_days",
    metadata,
    Column("day", Date, primary_key=True),  # in UTC
    Column("count", Integer, nullable=False),
)
_sendings: Final = Table(
    "code_sendings",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    *(Column(name, String(64), nullable=False) for name in _COLUMNS),  # keyed hashes
    Column("sent_at", DateTime, nullable=False),
    Column("until", DateTime, nullable=False),  # no limit counts it any more
    *(Index(f"code_sendings_{name}", name, "sent_at") for name in _COLUMNS),
)
_s: Final = _sendings.c


@dataclass(frozen=True, slots=True)
class Limit:
    """So many codes within a period, as this setting says."""

    setting: str
    count: int
    period: timedelta


@dataclass(frozen=True, slots=True)
class Counted:
    """What the limits count a code by.

    Attributes:
        number: The normalised mobile number.
        network: The network of the sender, or "" if there is no address.
        wide_network: A larger network around it.
        form: The form's slug.
    """

    number: str
    network: str
    wide_network: str
    form: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why no code may be sent now.

    Attributes:
        status: The setting of the limit that is used up, a status name, or "" if it is too early.
        must_wait: Whether only waiting helps, or another number; else the form's policy decides
            what becomes of a submission without a code.
        retry_after_s: Seconds to wait, if that is known.
    """

    status: str = ""
    must_wait: bool = False
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Sending:
    """A code that is counted: its row, and the day."""

    id: int
    day: date


class CodeLimits:
    """The limits. Methods that take a connection belong to its transaction.

    Attributes:
        share_left: Which share of the day's codes is left, 0 to 1.
    """

    def __init__(
        self,
        database: Database,
        keys: Sequence[bytes],
        *,
        per_day: int,
        limits: Mapping[str, Sequence[Limit]],
    ) -> None:
        """Count in this database.

        Args:
            database: The outbox's.
            keys: Keys of hashes, newest first. The first one makes them, all find them.
            per_day: How many codes all machines together may send each day (UTC).
            limits: Further limits, by the attributes of `Counted`.
        """
        self._database = database
        self._keys = keys
        self._per_day = per_day
        self._limits = limits
        periods = [limit.period for column in limits.values() for limit in column]
        self._kept_for = max(periods, default=timedelta(0))
        self.share_left = CachedValue(self._read_share, first=1.0, ttl_s=_SHARE_TTL_S)

    def lock(self, connection: Connection) -> date:
        """Let no other transaction count codes until this one ends; return the day (UTC).

        On PostgreSQL by the rows of the day and of the one before: another transaction may have
        begun before midnight. On SQLite, one transaction writes at a time.
        """
        today = _today()
        connection.execute(self._database.insert_or_ignore(_days, day=today, count=0))
        days = select(_days.c.day).where(_days.c.day >= today - _ONE_DAY).order_by(_days.c.day)
        connection.execute(days.with_for_update()).all()
        return today

    def reached(self, connection: Connection, counted: Counted, day: date) -> NotTaken | None:
        """Return why the limits allow no such code now; that of the number first."""
        if of_number := self.reached_by_number(connection, counted.number):
            return of_number
        count = select(_days.c.count).where(_days.c.day == day)
        if connection.execute(count).scalar_one() >= self._per_day:
            return NotTaken(CODES_USED_UP)
        shared = (it for it in _COLUMNS if it != NUMBER)
        found = (self._reached(connection, it, getattr(counted, it)) for it in shared)
        return next(filter(None, found), None)

    def reached_by_number(self, connection: Connection, number: str) -> NotTaken | None:
        """Return why the limits allow no code to this number now."""
        return self._reached(connection, NUMBER, number)

    def take(self, connection: Connection, counted: Counted, day: date) -> Sending:
        """Count a code."""
        now = self._database.now_plus
        values = {name: self._hashes(name, getattr(counted, name))[0] for name in _COLUMNS}
        row = insert(_sendings).values(**values, sent_at=now(), until=now(self._kept_for))
        self._add_to_day(connection, day, 1)
        return Sending(connection.execute(row.returning(_s.id)).scalar_one(), day)

    def give_back(self, connection: Connection, sending: Sending) -> None:
        """Count a code no more, as it was not sent."""
        taken_back = delete(_sendings).where(_s.id == sending.id).returning(_s.id)
        if connection.execute(taken_back).first():
            self._add_to_day(connection, sending.day, -1)

    def _read_share(self) -> float:
        count = select(_days.c.count).where(_days.c.day == _today())
        with self._database.read() as connection:
            taken = connection.execute(count).scalar() or 0
        return max(0.0, 1 - taken / self._per_day) if self._per_day else 1.0

    def _reached(self, connection: Connection, column: str, value: str) -> NotTaken | None:
        """Return the limit of this column that is used up for longest."""
        hashes, reached = self._hashes(column, value), list[NotTaken]()
        for limit in self._limits.get(column, ()):
            since = self._database.now_plus(-limit.period)
            same = select(_s.sent_at, self._database.now_plus()).where(
                _s[column].in_(hashes), _s.sent_at > since
            )
            oldest = same.order_by(_s.sent_at.desc()).offset(limit.count - 1).limit(1)
            if found := connection.execute(oldest).first():
                sent_at, now = found
                wait = max(1.0, (sent_at + limit.period - now).total_seconds())
                must_wait = column == NUMBER
                reached.append(NotTaken(limit.setting, must_wait=must_wait, retry_after_s=wait))
        return max(reached, key=lambda it: it.retry_after_s, default=None)

    def _hashes(self, column: str, value: str) -> list[str]:
        text = f"limit {column} {value}".encode()
        return [hmac.digest(key, text, "sha256").hex() for key in self._keys]

    def _add_to_day(self, connection: Connection, day: date, amount: int) -> None:
        counted = update(_days).where(_days.c.day == day)
        connection.execute(counted.values(count=_days.c.count + amount))


def limits_of(settings: Settings) -> dict[str, list[Limit]]:
    """Return the limits by the attributes of `Counted`; none if RATE_LIMITS is off."""
    if not settings.rate_limits:
        return {}
    by_network, by_form = SHARED_LIMITS
    address = settings.limit_code_address
    return {
        NUMBER: _parse("LIMIT_CODE_MOBILE", settings.limit_code_mobile),
        "network": _parse(by_network, address),
        "wide_network": _parse(by_network, address, factor=_NETWORKS_IN_WIDE),
        "form": _parse(by_form, settings.limit_code_form),
    }


def _parse(setting: str, text: str, *, factor: int = 1) -> list[Limit]:
    return [
        Limit(setting, item.amount * factor, timedelta(seconds=item.get_expiry()))
        for item in parse_many(text)
    ]


def _today() -> date:
    return datetime.now(UTC).date()


def purge_sendings(database: Database, connection: Connection) -> None:
    """Delete what no limit counts any more, and days long past, in this transaction."""
    connection.execute(delete(_sendings).where(_s.until <= database.now_plus()))
    connection.execute(delete(_days).where(_days.c.day < _today() - _DAYS_KEPT))
