"""Counts of submissions by day, form and outcome, without personal data.

A row of the outbox is added to the daily counts once, in the transaction that marks it as counted,
when it has settled for good; or in the one that purges it. Until then the row itself is counted, so
the sum of both is exact at any time, however often and wherever a row changes before.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Float,
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

from webapp.delivery.engine import metadata
from webapp.delivery.submission import (
    NEEDS_ATTENTION,
    RETENTION,
    WAITING,
    State,
    is_uncounted,
    table,
)
from webapp.persian import IRAN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row, Select

    from webapp.delivery.database import Database

COUNTS_RETENTION: Final = timedelta(days=400)

_BATCH_ROWS: Final = 5_000  # marked in one short transaction
_MAX_BATCHES: Final = 10  # at a time: the worker has other work as well

_c: Final = table.c


class Outcome(enum.StrEnum):
    """What has become of a submission, for statistics."""

    DELIVERED = "delivered"
    WAITING = "waiting"
    ATTENTION = "attention"  # an operator decides
    REJECTED = "rejected"  # by the portal, and erased
    DISCARDED = "discarded"  # by an operator, or after thirty days without attention


# Rows with these outcomes may still change.
_CURRENT: Final = {
    Outcome.WAITING: _c.state.in_(WAITING),
    Outcome.ATTENTION: and_(_c.state.in_(NEEDS_ATTENTION), _c.contact.is_not(None)),
}
# Rows with these never do; those that are purged have one of them.
_SETTLED: Final = {
    State.DELIVERED: Outcome.DELIVERED,
    State.REJECTED: Outcome.REJECTED,
    State.HELD: Outcome.DISCARDED,
}
_is_settled: Final = and_(
    _c.state.in_(_SETTLED), or_(_c.state == State.DELIVERED, _c.contact.is_(None))
)

_daily_counts: Final = Table(
    "daily_counts",
    metadata,
    Column("day", Date, primary_key=True),  # in Iran
    Column("form", String(40), primary_key=True),
    Column("outcome", String(16), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),  # until delivery, of all together
)
_day, _form, _outcome, _count, _seconds = _daily_counts.columns

COUNTED_COLUMNS: Final = (_c.key, _c.form, _c.state, _c.created_at, _c.due, _c.counted)


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
    outcome: Outcome
    count: int = 0
    timed: int = 0
    seconds: float = 0.0


def today() -> date:
    """Return the current day in Iran."""
    return datetime.now(IRAN).date()


class Statistics:
    """The daily counts. Each method raises a DatabaseError if the database fails."""

    def __init__(self, database: Database) -> None:
        """Use the tables in this database."""
        self._database = database
        self._upsert = database.insert_or_add(_daily_counts, ("count", "seconds"))

    def count_settled(self) -> int:
        """Add rows that have settled since to the daily counts; any number may do so at once.

        Returns:
            How many: at most some ten thousand, in several short transactions.
        """
        settled = select(_c.id).where(is_uncounted, _is_settled)
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
        sums: dict[tuple[date, str, Outcome], list[float]] = defaultdict(lambda: [0, 0.0])
        for row in rows:
            outcome = _SETTLED[State(row.state)]
            one = sums[_iranian_day(row.created_at), row.form, outcome]
            one[0] += 1
            if outcome is Outcome.DELIVERED:
                one[1] += max(0.0, (row.due - RETENTION - row.created_at).total_seconds())
        if sums:
            names = [column.name for column in _daily_counts.columns]
            # In one order everywhere: two that lock the same rows wait for each other only once.
            values = [dict(zip(names, (*key, *sums[key]), strict=True)) for key in sorted(sums)]
            connection.execute(self._upsert, values)

    def purge(self) -> None:
        """Delete counts older than `COUNTS_RETENTION`."""
        with self._database.write() as connection:
            connection.execute(delete(_daily_counts).where(_day < today() - COUNTS_RETENTION))

    def counts(self, first: date, last: date) -> list[Count]:
        """Return the counts of these days and all between, in the order of days and forms."""
        start = datetime.combine(first, datetime.min.time(), IRAN).astimezone(UTC)
        came = (start + timedelta(days=offset) for offset in (0, (last - first).days + 1))
        since, until = (moment.replace(tzinfo=None) for moment in came)
        stored = select(
            *(_day, _form, _outcome, _count.label("number"), _seconds),
            literal(1).label("stored"),
        )
        wanted = union_all(stored.where(_day.between(first, last)), *self._uncounted(since, until))
        found: dict[tuple[date, str, str], Count] = {}
        with self._database.read() as connection:  # one statement: it sees no row in both places
            for row in connection.execute(wanted):
                key = (row.day, row.form, row.outcome)
                one = found.setdefault(key, Count(row.day, row.form, Outcome(row.outcome)))
                one.count += row.number
                if row.stored and one.outcome is Outcome.DELIVERED:
                    one.timed, one.seconds = row.number, row.seconds
        return [found[key] for key in sorted(found)]

    def _uncounted(self, since: datetime, until: datetime) -> Sequence[Select[Any]]:
        """Return one query for each outcome of rows that are not in the daily counts."""
        conditions = _CURRENT | {
            outcome: and_(_is_settled, _c.state == state) for state, outcome in _SETTLED.items()
        }
        came = and_(_c.created_at >= since, _c.created_at < until)
        day = self._database.day(_c.created_at, IRAN.utcoffset(None))
        return [
            select(
                day,
                _c.form,
                literal(str(outcome), String(16)),
                func.count(),
                literal(0.0),
                literal(0),
            )
            .where(is_uncounted, condition, came)
            .group_by(day, _c.form)
            for outcome, condition in conditions.items()
        ]


def _iranian_day(time: datetime) -> date:
    return time.replace(tzinfo=UTC).astimezone(IRAN).date()
