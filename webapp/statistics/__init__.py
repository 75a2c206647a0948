"""Counts of submissions by day, form and outcome, without personal data.

`Statistics` adds a row of the outbox to the daily counts once, in the transaction that marks it as
counted, when it has settled for good; or in the one that purges it. Until then the row itself is
counted, so the sum of both is exact at any time, however often a row changes before.
"""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Float,
    Row,
    Select,
    String,
    Table,
    delete,
    func,
    literal,
    select,
    union_all,
    update,
)

from webapp.database import Database
from webapp.database.engine import metadata
from webapp.outbox.rows import NEEDS_ATTENTION, RETENTION, WAITING, State, is_uncounted, table
from webapp.persian import IRAN, to_iran
from webapp.statistics import funnel, sources

COUNTS_RETENTION: Final = timedelta(days=400)

_ONE_DAY: Final = timedelta(days=1)
_BATCH_ROWS: Final = 1_000  # marked in one short transaction
_MAX_BATCHES: Final = 10  # at a time: the worker has other work as well

_c: Final = table.c


class CountedOutcome(enum.StrEnum):
    """What has become of a submission, for statistics."""

    DELIVERED = "delivered"
    WAITING = "waiting"
    ATTENTION = "attention"  # an operator decides
    REJECTED = "rejected"  # by the portal, and erased
    DISCARDED = "discarded"  # by an operator, or after thirty days without attention


# What a settled row is, or one that is purged.
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
    Column("seconds", Float, nullable=False),  # until delivery, of all together
)
_day, _form, _outcome, _count, _seconds = daily_counts.columns

COUNTED_COLUMNS: Final = (
    *(_c.key, _c.form, _c.state, _c.created_at, _c.due, _c.counted),
    *(_c.source, _c.delivered_at),
)


@dataclass(slots=True)
class Count:
    """Submissions of one day, form and outcome.

    Attributes:
        day: The day in Iran on which they were submitted.
        form: The slug of their form.
        outcome: What has become of them by now.
        count: Their number.
        timed: The number of those whose time is known: delivered, some seconds ago at least.
        seconds: How long these took together, from their submission to their delivery.
    """

    day: date
    form: str
    outcome: CountedOutcome
    count: int = 0
    timed: int = 0
    seconds: float = 0.0


def today() -> date:
    """Return the current day in Iran."""
    return datetime.now(IRAN).date()


class Statistics:
    """The daily counts. Each method raises a DatabaseError if the database fails.

    Attributes:
        sources: The counts by source.
    """

    def __init__(self, database: Database) -> None:
        """Use the tables in this database."""
        self.sources = sources.Sources(database)
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
        sums: dict[tuple[date, str, CountedOutcome], list[float]] = defaultdict(lambda: [0, 0.0])
        delivered: Counter[tuple[date, str, str]] = Counter()
        for row in rows:
            outcome = _SETTLED[State(row.state)]
            day = to_iran(row.created_at).date()
            one = sums[day, row.form, outcome]
            one[0] += 1
            if outcome is CountedOutcome.DELIVERED:
                # A process of the former version has not stored the time.
                delivered_at = row.delivered_at or row.due - RETENTION
                one[1] += max(0.0, (delivered_at - row.created_at).total_seconds())
                delivered[day, row.form, row.source] += 1
        self._database.upsert_increment(connection, daily_counts, sums)
        self.sources.add(connection, delivered)

    def purge(self) -> None:
        """Delete counts older than `COUNTS_RETENTION`, those by source and of steps too."""
        with self._database.write() as connection:
            for counts in (daily_counts, sources.table, funnel.table, funnel.choices_table):
                old = counts.c.day < today() - COUNTS_RETENTION
                connection.execute(delete(counts).where(old))

    def counts(self, first: date, last: date) -> list[Count]:
        """Return the counts of these days and all between, in the order of days and forms."""
        stored = select(
            *(_day, _form, _outcome, _count.label("number"), _seconds),
            *(literal(0).label("held"), literal(1).label("stored")),
        )
        stored = stored.where(_day.between(first, last))
        # Apart: how many of them hold a contact is read from the rows, all else from the index.
        held = self._live(first, last, NEEDS_ATTENTION, func.count(_c.contact))
        others = self._live(first, last, (*WAITING, State.DELIVERED), literal(0))
        with self._database.read() as connection:
            # One statement: it sees each row once, even if a worker counts at the same time.
            rows = connection.execute(union_all(stored, held, others)).all()
        counts: dict[tuple[date, str, CountedOutcome], Count] = {}
        for row in rows:
            for outcome, number in _outcomes(row):
                key = (row.day, row.form, outcome)
                one = counts.setdefault(key, Count(*key))
                one.count += number
                if row.stored and outcome is CountedOutcome.DELIVERED:
                    one.timed, one.seconds = number, row.seconds
        return [counts[key] for key in sorted(counts) if counts[key].count]

    def _live(
        self, first: date, last: date, states: Sequence[State], held: ColumnElement[int]
    ) -> Select[Any]:
        """Return the query for rows in these states that are not in the daily counts."""
        day = self._database.date_of(_c.created_at, IRAN).label("day")
        return (
            select(day, _c.form, _c.state, func.count(), literal(0.0), held, literal(0))
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
        yield _SETTLED[State(row.outcome)], row.number - row.held


def midnight(day: date) -> datetime:
    """Return when a day begins in Iran, in UTC, without a time zone."""
    begin = datetime.combine(day, datetime.min.time(), IRAN)
    return begin.astimezone(UTC).replace(tzinfo=None)
