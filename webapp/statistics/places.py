"""Counts the places that a form's submissions take, so that it takes no more than there are.

Whatever is delivered, waits, is held or not verified yet has a place. What the portal rejected, an
operator discarded, or nobody verified in time has none. Delivered rows that are purged stay in the
daily counts, for `COUNTS_RETENTION`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, or_, select

from webapp.database import CachedValue, Database
from webapp.outbox import Outbox
from webapp.outbox.rows import WAITING, NoRoom, State, is_uncounted, table
from webapp.persian import midnight
from webapp.statistics import CountedOutcome, daily_counts

_CACHE_TTL_S: Final = 2.0

_c: Final = table.c
_d: Final = daily_counts.c


@dataclass(frozen=True, slots=True)
class Capacity:
    """The places of a form.

    Attributes:
        most: How many there are.
        since: The day in Iran from which submissions are counted; None counts all.
    """

    most: int
    since: date | None = None


class Places:
    """The places of the forms that have a capacity."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        """Count the rows of this outbox, in this database."""
        self._database = database
        self._outbox = outbox
        self._taken: dict[str, CachedValue[int]] = {}

    def limit(self, form: str, capacity: Capacity) -> None:
        """Refuse to store more submissions of a form than it has places."""
        taken = _taken(form, capacity)
        self._outbox.guards[form] = partial(self._check, form, capacity.most, taken)
        read = partial(self._read, taken)
        self._taken[form] = CachedValue(read, first=0, ttl_s=_CACHE_TTL_S)

    def taken(self, form: str) -> int:
        """Return how many places of a form are taken, as of some seconds ago."""
        return self._taken[form].get()

    def read_taken(self, form: str) -> int:
        """Return how many places of a form are taken now; while the database fails, the last."""
        return self._taken[form].get(is_fresh=True)

    def _check(self, form: str, most: int, taken: Select[Any], connection: Connection) -> None:
        """Refuse a row that was just added, if it has no place.

        The lock comes after the INSERT: whoever waits for a row with the same key holds none.
        """
        self._database.lock(connection, f"places of {form}")
        if connection.execute(taken).scalar_one() > most:
            raise NoRoom

    def _read(self, taken: Select[Any]) -> int:
        with self._database.read() as connection:
            return int(connection.execute(taken).scalar_one())


def _taken(form: str, capacity: Capacity) -> Select[Any]:
    """Return the query for the places taken: one statement, which sees each row once."""
    counted = select(func.coalesce(func.sum(_d.count), 0)).where(
        _d.form == form, _d.outcome == CountedOutcome.DELIVERED
    )
    has_place = or_(
        _c.state.in_((State.UNVERIFIED, *WAITING, State.DELIVERED)),
        and_(_c.state == State.HELD, _c.contact.is_not(None)),
    )
    live = select(func.count()).where(is_uncounted, _c.form == form, has_place)
    if capacity.since:
        counted = counted.where(_d.day >= capacity.since)
        live = live.where(_c.created_at >= midnight(capacity.since))
    return select(counted.scalar_subquery() + live.scalar_subquery())
