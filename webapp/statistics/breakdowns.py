"""Counts of delivered submissions by source, operator, way, hour and delay, for each day and form.

Each row of the outbox is added once, together with its daily count; see `statistics`.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Date, Row, String, Table, func, or_, select

from webapp.database import Database
from webapp.database.engine import metadata
from webapp.persian import to_iran

# Of one day and form; robots send any address. Some more, if several workers count at once.
MAX_SOURCES: Final = 100
# Stands for all further sources, and for delays beyond the longest of `DELAYS_S`.
OTHER: Final = "*"
TYPED: Final = "typed"
IMPORTED: Final = "imported"
DELAYS_S: Final = (1, 2, 5, 10, 30, 60, 600, 3_600, 86_400)
_MAX_NAME_LENGTH: Final = 64


class Breakdown(enum.StrEnum):
    """What the names of a count are."""

    SOURCE = "source"  # where a visitor came from; "" if that is not known
    OPERATOR = "operator"  # the login name of the operator; "" if nobody had logged in
    WAY = "way"  # `TYPED`, or `IMPORTED` from a file
    HOUR = "hour"  # "00" to "23" in Iran, of what was typed
    DELAY = "delay"  # the lowest of `DELAYS_S` within which it was delivered


table: Final = Table(
    "breakdown_counts",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("day", Date, primary_key=True),  # in Iran
    Column("form", String(40), primary_key=True),
    Column("name", String(_MAX_NAME_LENGTH), primary_key=True),
    Column("count", BigInteger, nullable=False),
)
_c: Final = table.c

_Key = tuple[Breakdown, date, str, str]  # the primary key


def keys(row: Row[*tuple[Any, ...]]) -> Iterator[_Key]:
    """Yield where a delivered row of the outbox is counted."""
    came = to_iran(row.created_at)
    is_typed = row.batch is None
    names = {Breakdown.SOURCE: row.source, Breakdown.WAY: TYPED if is_typed else IMPORTED}
    if is_typed:
        names[Breakdown.OPERATOR] = (row.operator or "")[:_MAX_NAME_LENGTH]
        names[Breakdown.HOUR] = f"{came:%H}"
    if row.delivered_at is not None:  # a former version has not stored it
        seconds = (row.delivered_at - row.created_at).total_seconds()
        names[Breakdown.DELAY] = str(next((most for most in DELAYS_S if seconds <= most), OTHER))
    for kind, name in names.items():
        yield kind, came.date(), row.form, name


class Breakdowns:
    """These counts. Each method raises a DatabaseError if the database fails."""

    def __init__(self, database: Database) -> None:
        """Use the table in this database."""
        self._database = database

    def add(self, connection: Connection, numbers: Mapping[_Key, int]) -> None:
        """Add numbers of delivered submissions by `keys`, in the transaction that counts them."""
        sums: Counter[_Key] = Counter()
        known: dict[tuple[date, str], set[str]] = {}
        for (kind, day, form, name), number in numbers.items():
            kept = name
            if kind is Breakdown.SOURCE and name:
                if (day, form) not in known:
                    known[day, form] = _known_sources(connection, day, form)
                if len(known[day, form]) < MAX_SOURCES:
                    known[day, form].add(name)
                kept = name if name in known[day, form] else OTHER
            sums[kind, day, form, kept] += number
        self._database.upsert_increment(connection, table, sums)

    def top(
        self, kind: Breakdown, first: date, last: date, *, most: int, listing: Collection[str] = ()
    ) -> list[tuple[str, int]]:
        """Return the sums of these days and all between by name, the most frequent first.

        Args:
            kind: What the names are.
            first: The first day.
            last: The last day.
            most: How many names; the others are `OTHER`, which comes after them.
            listing: The slugs of the forms that list names. Their submissions without a name
                come last, as ""; those of other forms are left out.
        """
        number = func.sum(_c["count"])
        sums = (
            select(_c.name, number.label("number"), func.sum(number).over().label("total"))
            .where(_c.kind == kind, _c.day.between(first, last))
            .where(or_(_c.name != "", _c.form.in_(listing)))
            .group_by(_c.name)
            .order_by(_c.name.in_(("", OTHER)).desc(), number.desc(), _c.name)
            .limit(most + 2)
        )
        with self._database.read() as connection:
            rows = connection.execute(sums).all()
        numbers = {row.name: int(row.number) for row in rows}
        unknown = numbers.pop("", 0)
        numbers.pop(OTHER, 0)
        named = list(numbers.items())[:most]
        total = int(rows[0].total) if rows else 0
        others = total - unknown - sum(count for _, count in named)
        return [*named, *(end for end in ((OTHER, others), ("", unknown)) if end[1])]

    def daily(self, kind: Breakdown, first: date, last: date) -> list[tuple[date, str, str, int]]:
        """Return the counts of these days and all between: day, form, name and number."""
        counts = (
            select(_c.day, _c.form, _c.name, _c["count"])
            .where(_c.kind == kind, _c.day.between(first, last))
            .order_by(*table.primary_key)
        )
        with self._database.read() as connection:
            rows = connection.execute(counts)
            return [(day, form, name, number) for day, form, name, number in rows]


def _known_sources(connection: Connection, day: date, form: str) -> set[str]:
    """Return the sources of this day and form."""
    known = select(_c.name).where(_c.kind == Breakdown.SOURCE, _c.day == day, _c.form == form)
    return set(connection.execute(known).scalars()) - {"", OTHER}
