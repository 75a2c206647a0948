"""Counts of delivered submissions by day, form and source, without personal data.

Each row of the outbox is added once, together with its daily count; see `statistics`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Date, String, Table, func, or_, select

from webapp.database import Database
from webapp.database.engine import metadata
from webapp.outbox.rows import MAX_SOURCE_LENGTH

# Of one day and form; robots send any address. Some more, if several workers count at once.
MAX_SOURCES: Final = 100
OTHER: Final = "*"  # stands for all further ones

table: Final = Table(
    "source_counts",
    metadata,
    Column("day", Date, primary_key=True),  # in Iran
    Column("form", String(40), primary_key=True),
    Column("source", String(MAX_SOURCE_LENGTH), primary_key=True),
    Column("count", BigInteger, nullable=False),
)
_c: Final = table.c


@dataclass(frozen=True, slots=True)
class SourceCount:
    """Delivered submissions of one day, form and source.

    Attributes:
        form: The slug of their form.
        source: Where they came from; "" if that is not known, `OTHER` for many rare ones together.
        count: Their number.
        day: The day in Iran on which they were submitted.
    """

    form: str
    source: str
    count: int
    day: date


class Sources:
    """The counts by source. Each method raises a DatabaseError if the database fails."""

    def __init__(self, database: Database) -> None:
        """Use the table in this database."""
        self._database = database

    def add(self, connection: Connection, delivered: Mapping[tuple[date, str, str], int]) -> None:
        """Add numbers of delivered submissions, in the transaction that counts them.

        Args:
            connection: Of the transaction.
            delivered: Their numbers by day, form and source.
        """
        sums: dict[tuple[date, str, str], int] = defaultdict(int)
        for (day, form), numbers in _by_day_and_form(delivered).items():
            known = _known(connection, day, form) if any(numbers) else set()
            for source, number in numbers.items():
                is_kept = not source or source in known or len(known) < MAX_SOURCES
                if is_kept and source:
                    known.add(source)
                sums[day, form, source if is_kept else OTHER] += number
        amounts = {key: (number,) for key, number in sums.items()}
        self._database.upsert_increment(connection, table, amounts)

    def top(
        self, first: date, last: date, *, most: int, listing: Collection[str]
    ) -> list[tuple[str, int]]:
        """Return the sums of these days and all between by source, the most frequent first.

        Args:
            first: The first day.
            last: The last day.
            most: How many sources; the others are `OTHER`, which comes after them.
            listing: The slugs of the forms that list sources. Their submissions without a source
                come last, as ""; those of other forms are left out.
        """
        number = func.sum(_c["count"])
        sums = (
            select(_c.source, number.label("number"), func.sum(number).over().label("total"))
            .where(_c.day.between(first, last), or_(_c.source != "", _c.form.in_(listing)))
            .group_by(_c.source)
            .order_by(_c.source.in_(("", OTHER)).desc(), number.desc(), _c.source)
            .limit(most + 2)
        )
        with self._database.read() as connection:
            rows = connection.execute(sums).all()
        numbers = {row.source: int(row.number) for row in rows}
        unknown = numbers.pop("", 0)
        numbers.pop(OTHER, 0)
        named = list(numbers.items())[:most]
        total = int(rows[0].total) if rows else 0
        others = total - unknown - sum(count for _, count in named)
        return [*named, *(end for end in ((OTHER, others), ("", unknown)) if end[1])]

    def daily(self, first: date, last: date) -> list[SourceCount]:
        """Return the counts of these days and all between, in the order of days and forms."""
        rows = (
            select(_c.day, _c.form, _c.source, _c["count"].label("number"))
            .where(_c.day.between(first, last))
            .order_by(*table.primary_key)
        )
        with self._database.read() as connection:
            found = connection.execute(rows).all()
        return [SourceCount(row.form, row.source, row.number, row.day) for row in found]


def _by_day_and_form(
    delivered: Mapping[tuple[date, str, str], int],
) -> dict[tuple[date, str], dict[str, int]]:
    found: dict[tuple[date, str], dict[str, int]] = defaultdict(dict)
    for (day, form, source), number in delivered.items():
        found[day, form][source] = number
    return found


def _known(connection: Connection, day: date, form: str) -> set[str]:
    """Return the sources of this day and form."""
    known = select(_c.source).where(_c.day == day, _c.form == form, _c.source != "")
    return set(connection.execute(known).scalars()) - {OTHER}
