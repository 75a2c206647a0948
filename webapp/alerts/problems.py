"""What needs a person, from the outbox and the circuit breaker; and the account's credit."""

from __future__ import annotations

import enum
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Integer,
    String,
    Table,
    and_,
    delete,
    func,
    select,
    update,
)

from webapp.database import Database
from webapp.database.engine import metadata
from webapp.observability import log_exception
from webapp.observability.metrics import Metrics
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import NEEDS_ATTENTION, SUSPECT_STATUSES, WAITING, State, reference, table
from webapp.portal import PortalError

log = logging.getLogger(__name__)

FETCH_INTERVAL_S: Final = 900.0
FIRST_FETCH_S: Final = 60.0  # after the start, which has other work


class Credit:
    """Fetches the account's credit."""

    def __init__(
        self, fetch: Callable[[], str], breaker: CircuitBreaker, metrics: Metrics | None
    ) -> None:
        """Set the call that returns the credit as the portal writes it.

        Args:
            fetch: The call.
            breaker: While it is open, nothing is fetched.
            metrics: Where the credit is set; None if nobody wants to know it.
        """
        self._fetch = fetch
        self._breaker = breaker
        self._metrics = metrics
        self._failure = ""  # the status of the last fetch, "" if it succeeded
        self._thread: threading.Thread | None = None

    def start_fetch(self) -> None:
        """Fetch in a thread of its own, so that nobody waits; unless the last one still does."""
        if self._metrics and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._fetch_logged, name="credit", daemon=True)
            self._thread.start()

    def _fetch_logged(self) -> None:
        try:
            self.refresh()
        except Exception as error:  # noqa: BLE001  the next time may work
            log_exception(log, error)

    def refresh(self) -> None:
        """Fetch the credit once, unless the queue is paused; if that fails, the last one stays."""
        if self._breaker.pause or self._metrics is None:
            return
        try:
            written = self._fetch()
        except PortalError as error:
            if error.status != self._failure:
                log.info("the account's credit is not fetched: %s", error.status)
            self._failure = error.status
            return
        self._failure = ""
        credit = parse_credit(written)
        if credit is not None:
            self._metrics.set_credit(credit)


def parse_credit(written: str) -> float | None:
    """Return a credit as a number; None if it is none."""
    try:
        credit = float(written.replace(",", ""))
    except ValueError:
        return None
    return credit if math.isfinite(credit) else None


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


COUNT_CAP: Final = 10_000  # texts say "more than"

# A shorter pause ended automatically, at one of the first probes.
_MIN_PAUSE: Final = timedelta(seconds=5)
# A failure of one code may end with the next one.
_MIN_CODE_TROUBLE: Final = timedelta(minutes=1)
_MAX_WAIT: Final = timedelta(minutes=15)
# Old contacts that an operator sends again, or that an outage left behind, are on their way.
_STUCK_S: Final = 30.0
# Robots come every day, and a person whom they were mistaken for can wait for a day.
_MAX_SUSPECT_AGE: Final = timedelta(days=1)
_MAX_REFERENCES: Final = 10

_c: Final = table.c
_HAS_CONTACT: Final = _c.contact.is_not(None)
_IS_WAITING: Final = and_(_c.state.in_(WAITING), _HAS_CONTACT)
_NEEDS_HAND: Final = and_(
    _c.state.in_(NEEDS_ATTENTION), _HAS_CONTACT, _c.status.not_in(SUSPECT_STATUSES)
)
_IS_SUSPECT: Final = and_(_c.state == State.HELD, _HAS_CONTACT, _c.status.in_(SUSPECT_STATUSES))


class ProblemKind(enum.StrEnum):
    """A kind of problem."""

    QUEUE = "queue"  # the account is refused, or contacts wait for long
    ATTENTION = "attention"  # submissions were rejected or held
    CODES = "codes"  # no code by SMS can be sent
    SUSPECTS = "suspects"  # robots may have sent them, and nobody has looked for a day


@dataclass(frozen=True, slots=True)
class Waiting:
    """The contacts that wait to be sent.

    Attributes:
        count: Their number, up to one more than `COUNT_CAP`.
        minutes: For how long the oldest has waited.
    """

    count: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Attention:
    """The submissions that an operator must look at.

    Attributes:
        counts: Their number by status, the most frequent first.
        references: Of the oldest.
    """

    counts: Mapping[str, int]
    references: Sequence[str]


class Problems:
    """What needs a person now. The methods raise a DatabaseError if the database fails."""

    def __init__(self, database: Database, breaker: CircuitBreaker) -> None:
        """Read the outbox in this database, and this breaker."""
        self._database = database
        self._breaker = breaker
        self._code_trouble = CodeTrouble(database)
        self._oldest: tuple[int, float] | None = None

    def read(self, *, queue_was_told: bool) -> dict[ProblemKind, str]:
        """Return the kinds of problems, each with the status that a person must act on, or "".

        Args:
            queue_was_told: Whether somebody knows of a problem of the queue: it ends only when
                the queue runs and no contact has waited for long.
        """
        found: dict[ProblemKind, str] = {}
        pause = self._breaker.read_pause()
        is_stuck, is_late = self._late()
        if pause and pause.refused and pause.age >= _MIN_PAUSE:
            found[ProblemKind.QUEUE] = pause.status
        elif is_stuck or (queue_was_told and (pause or is_late)):
            found[ProblemKind.QUEUE] = ""
        if self._exists(_NEEDS_HAND):
            found[ProblemKind.ATTENTION] = ""
        if status := self._code_trouble.read(min_age=_MIN_CODE_TROUBLE):
            found[ProblemKind.CODES] = status
        if self._exists(and_(_IS_SUSPECT, _c.created_at <= self._before(_MAX_SUSPECT_AGE))):
            found[ProblemKind.SUSPECTS] = ""
        return found

    def _late(self) -> tuple[bool, bool]:
        """Return whether a contact has waited for long and does not move; and for long at all."""
        # Where nothing has failed yet, the settling time of an operator's retry is no delay.
        is_settling = and_(_c.attempts == 0, _c.due > self._database.now_plus())
        late = and_(_IS_WAITING, _c.created_at <= self._before(_MAX_WAIT), ~is_settling)
        with self._database.read() as connection:
            oldest = connection.execute(select(func.min(_c.id)).where(late)).scalar()
        now = time.monotonic()
        if oldest is None:
            self._oldest = None
        elif self._oldest is None or self._oldest[0] != oldest:
            self._oldest = (oldest, now)
        is_late = self._oldest is not None
        return self._oldest is not None and now - self._oldest[1] >= _STUCK_S, is_late

    def _before(self, age: timedelta) -> ColumnElement[datetime]:
        return self._database.now_plus(-age)

    def _exists(self, condition: ColumnElement[bool]) -> bool:
        # In the order of the index of states: else PostgreSQL would search the table from its
        # beginning for rows that are seldom there.
        chosen = select(_c.id).where(condition).order_by(_c.state, _c.due).limit(1)
        with self._database.read() as connection:
            return connection.execute(chosen).first() is not None

    def pause_status(self) -> str:
        """Return the status for which the queue is paused, or ""."""
        pause = self._breaker.read_pause()
        return pause.status if pause else ""

    def waiting(self) -> Waiting:
        """Return how many contacts wait, and for how long."""
        first = select(_c.created_at).where(_IS_WAITING).order_by(_c.id)
        some = first.limit(COUNT_CAP + 1).subquery()
        with self._database.read() as connection:
            now = self._database.now_plus()
            count, oldest, now = connection.execute(
                select(func.count(), func.min(some.c.created_at), now).select_from(some)
            ).one()
        seconds = (now - oldest).total_seconds() if oldest else 0
        return Waiting(count, max(0, round(seconds / 60)))

    def attention(self, *, suspects: bool) -> Attention:
        """Return what an operator must look at: suspects, or all others."""
        chosen = _IS_SUSPECT if suspects else _NEEDS_HAND
        number = func.count().label("number")
        counts = select(_c.status, number).where(chosen).group_by(_c.status)
        counts = counts.order_by(number.desc(), _c.status)
        keys = select(_c.key).where(chosen).order_by(_c.id).limit(_MAX_REFERENCES)
        with self._database.read() as connection:
            by_status = {row.status: row.number for row in connection.execute(counts)}
            oldest = [reference(key) for key in connection.execute(keys).scalars()]
        return Attention(by_status, oldest)
