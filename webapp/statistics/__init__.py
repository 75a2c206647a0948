"""Counts of submissions by day, form and outcome, and of the places that a form's take.

`Statistics` adds a row of the outbox to the daily counts once, in the transaction that marks it as
counted, when it has settled for good; or in the one that purges it. Until then the row itself is
counted, so the sum of both is exact at any time, however often a row changes before.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Row,
    Select,
    String,
    Table,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from webapp.database import CachedValue, Database
from webapp.database.engine import metadata
from webapp.outbox import Outbox
from webapp.outbox.rows import (
    HONEYPOT,
    NEEDS_ATTENTION,
    WAITING,
    NoRoom,
    State,
    is_uncounted,
    table,
)
from webapp.persian import IRAN, midnight, to_iran, today
from webapp.statistics import breakdowns, funnel

COUNTS_RETENTION: Final = timedelta(days=400)

_ONE_DAY: Final = timedelta(days=1)
_BATCH_ROWS: Final = 1_000  # marked in one short transaction
_MAX_BATCHES: Final = 10  # at a time: the worker has other work as well
# Uncounted rows that a page counts itself: 50,000 take a fifth of a second, a million would exceed
# the time limit of a statement.
MAX_LIVE_ROWS: Final = 50_000

_c: Final = table.c


class CountedOutcome(enum.StrEnum):
    """What has become of a submission, for statistics."""

    DELIVERED = "delivered"
    WAITING = "waiting"
    ATTENTION = "attention"  # an operator decides
    REJECTED = "rejected"  # by the portal, and erased automatically
    DISCARDED = "discarded"  # by an operator, or after thirty days without attention


# What a settled row is, or one that is purged, if no operator discarded it.
_SETTLED: Final = {
    State.DELIVERED: CountedOutcome.DELIVERED,
    State.REJECTED: CountedOutcome.REJECTED,
    State.HELD: CountedOutcome.DISCARDED,
}

daily_counts: Final = Table(
    "daily_counts",
    metadata,
    Column("day", Date, primary_key=True),  # in Iran
    Column("form", String(40), primary_key=True),
    Column("outcome", String(16), primary_key=True),
    Column("count", BigInteger, nullable=False),
)
_day, _form, _outcome, _count = daily_counts.columns

_NONE_APART: Final = (literal(0).label("held"), literal(0).label("discarded"))

COUNTED_COLUMNS: Final = (
    *(_c.form, _c.state, _c.created_at, _c.delivered_at, _c.discarded_at),
    *(_c.source, _c.operator, _c.batch),
)


@dataclass(slots=True)
class Count:
    """Submissions of one day, form and outcome.

    Attributes:
        day: The day in Iran on which they were submitted.
        form: The slug of their form.
        outcome: What has become of them by now.
        count: Their number.
    """

    day: date
    form: str
    outcome: CountedOutcome
    count: int = 0


class Statistics:
    """The daily counts. Each method raises a DatabaseError if the database fails.

    Attributes:
        breakdowns: The counts of what was delivered by source, operator, way, hour and delay.
    """

    def __init__(self, database: Database) -> None:
        """Use the tables in this database."""
        self.breakdowns = breakdowns.Breakdowns(database)
        self._database = database

    def count_settled(self) -> int:
        """Add rows that have settled since to the daily counts; any number may do so at once.

        Returns:
            How many: at most some ten thousand, in several short transactions.
        """
        return sum(self._count_state(state) for state in _SETTLED)

    def count_delivered(self) -> int:
        """Do the same for delivered rows only, which costs nothing where there are none.

        Among the others, all that wait for an operator have to be passed over.
        """
        return self._count_state(State.DELIVERED)

    def _count_state(self, state: State) -> int:
        # In the order of the index of uncounted rows: else PostgreSQL would search a large table
        # from its beginning, where all are counted.
        settled = select(_c.id).where(is_uncounted, _c.state == state)
        settled = settled.order_by(_c.form, _c.created_at)
        if state is not State.DELIVERED:  # an operator may still send it
            settled = settled.where(_c.contact.is_(None))
        total = 0
        for _ in range(_MAX_BATCHES):
            with self._database.read() as connection:
                if connection.execute(settled.limit(1)).first() is None:
                    break
            total += self._count_batch(settled.limit(_BATCH_ROWS))
        return total

    def _count_batch(self, settled: Select[Any]) -> int:
        batch = settled.with_for_update(skip_locked=True).cte("batch")
        counted = update(table).where(_c.id.in_(select(batch.c.id))).values(counted=True)
        with self._database.write() as connection:
            rows = connection.execute(counted.returning(*COUNTED_COLUMNS)).all()
            self.add(connection, rows)
        return len(rows)

    def add(self, connection: Connection, rows: Iterable[Row[*tuple[Any, ...]]]) -> None:
        """Add rows to the daily counts, in the transaction that marks or deletes them.

        Args:
            connection: Of the transaction.
            rows: Settled or purged rows, with `COUNTED_COLUMNS`.
        """
        sums: Counter[tuple[date, str, CountedOutcome]] = Counter()
        delivered: Counter[Any] = Counter()
        for row in rows:
            outcome = _SETTLED[State(row.state)]
            if row.discarded_at is not None:
                outcome = CountedOutcome.DISCARDED
            sums[to_iran(row.created_at).date(), row.form, outcome] += 1
            if outcome is CountedOutcome.DELIVERED:
                delivered.update(breakdowns.keys(row))
        amounts = {key: (number,) for key, number in sums.items()}
        self._database.upsert_increment(connection, daily_counts, amounts)
        self.breakdowns.add(connection, delivered)

    def purge(self) -> None:
        """Delete counts older than `COUNTS_RETENTION`, breakdowns and steps too."""
        with self._database.write() as connection:
            for counts in (daily_counts, breakdowns.table, funnel.table, funnel.choices_table):
                old = counts.c.day < today() - COUNTS_RETENTION
                connection.execute(delete(counts).where(old))

    def is_behind(self) -> bool:
        """Return whether more rows are uncounted than a page may count itself."""
        # In the order of the index of uncounted rows, so that PostgreSQL reads no others.
        rows = select(literal(1)).where(is_uncounted, _c.state != State.UNVERIFIED)
        rows = rows.order_by(_c.counted, _c.state)
        with self._database.read() as connection:
            beyond = rows.limit(1).offset(MAX_LIVE_ROWS)
            return connection.execute(beyond).first() is not None

    def counts(self, first: date, last: date, *, live: bool = True) -> list[Count]:
        """Return the counts of these days and all between, in the order of days and forms.

        Args:
            first: The first day.
            last: The last day.
            live: Whether to count the rows, too, that are not in the daily counts.
        """
        stored = select(
            *(_day, _form, _outcome, _count.label("number")),
            *(*_NONE_APART, literal(1).label("stored")),
        )
        stored = stored.where(_day.between(first, last))
        # Apart: how many hold a contact or were discarded is read from the rows, all else from the
        # index.
        apart = (func.count(_c.contact), func.count(_c.discarded_at))
        held = self._live(first, last, NEEDS_ATTENTION, *apart)
        others = self._live(first, last, (*WAITING, State.DELIVERED), *_NONE_APART)
        with self._database.read() as connection:
            # One statement: it sees each row once, even if a worker counts at the same time.
            query = union_all(stored, held, others) if live else stored
            rows = connection.execute(query).all()
        counts: Counter[tuple[date, str, CountedOutcome]] = Counter()
        for row in rows:
            for outcome, number in _outcomes(row):
                counts[row.day, row.form, outcome] += number
        return [Count(*key, counts[key]) for key in sorted(counts) if counts[key]]

    def _live(
        self, first: date, last: date, states: Sequence[State], *apart: ColumnElement[int]
    ) -> Select[Any]:
        """Return the query for rows in these states that are not in the daily counts."""
        day = self._database.date_of(_c.created_at, IRAN).label("day")
        return (
            select(day, _c.form, _c.state, func.count(), *apart, literal(0))
            .where(is_uncounted, _c.state.in_(states))
            .where(_c.created_at >= midnight(first), _c.created_at < midnight(last + _ONE_DAY))
            .group_by("day", _c.form, _c.state)
        )


def _outcomes(row: Row[*tuple[Any, ...]]) -> Iterator[tuple[CountedOutcome, int]]:
    """Yield the outcomes that a row of `counts` stands for, and their numbers."""
    if row.stored:
        yield CountedOutcome(row.outcome), row.number
    elif row.outcome in WAITING:
        yield CountedOutcome.WAITING, row.number
    else:
        yield CountedOutcome.ATTENTION, row.held
        yield CountedOutcome.DISCARDED, row.discarded
        yield _SETTLED[State(row.outcome)], row.number - row.held - row.discarded


_CACHE_TTL_S: Final = 2.0

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
    """The places of the forms that have a capacity: no more submissions are taken than there are.

    Whatever is delivered, waits, is held or not verified yet has a place. What the portal rejected,
    an operator discarded, or nobody verified in time has none; nor has what is in the honeypot.
    Delivered rows that are purged stay in the daily counts, for `COUNTS_RETENTION`.
    """

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
        and_(_c.state == State.HELD, _c.status != HONEYPOT, _c.contact.is_not(None)),
    )
    live = select(func.count()).where(is_uncounted, _c.form == form, has_place)
    if capacity.since:
        counted = counted.where(_d.day >= capacity.since)
        live = live.where(_c.created_at >= midnight(capacity.since))
    return select(counted.scalar_subquery() + live.scalar_subquery())
