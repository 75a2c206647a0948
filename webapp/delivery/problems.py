"""What needs a person: read from the outbox and the circuit breaker, without personal data."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, and_, func, select

from webapp.delivery.code_trouble import CodeTrouble
from webapp.delivery.submission import (
    NEEDS_ATTENTION,
    SUSPECT_STATUSES,
    WAITING,
    State,
    reference,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.database import Database
    from webapp.delivery.circuit_breaker import CircuitBreaker

COUNT_CAP: Final = 10_000  # texts say "more than"

# A shorter pause ended by itself, at one of the first probes.
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


class Kind(enum.StrEnum):
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

    def read(self, *, queue_was_told: bool) -> dict[Kind, str]:
        """Return the kinds of problems, each with the status that a person must act on, or "".

        Args:
            queue_was_told: Whether somebody knows of a problem of the queue: it ends only when
                the queue runs and no contact has waited for long.
        """
        found: dict[Kind, str] = {}
        pause = self._breaker.read_pause()
        is_stuck, is_late = self._late()
        if pause and pause.refused and pause.age >= _MIN_PAUSE:
            found[Kind.QUEUE] = pause.status
        elif is_stuck or (queue_was_told and (pause or is_late)):
            found[Kind.QUEUE] = ""
        if self._exists(_NEEDS_HAND):
            found[Kind.ATTENTION] = ""
        if status := self._code_trouble.read(min_age=_MIN_CODE_TROUBLE):
            found[Kind.CODES] = status
        if self._exists(and_(_IS_SUSPECT, _c.created_at <= self._before(_MAX_SUSPECT_AGE))):
            found[Kind.SUSPECTS] = ""
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
