"""Where visitors came from, and how far they went: parts of the statistics page, and as CSV."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from webapp.forms.definitions import Access
from webapp.messages import statistics as texts
from webapp.persian import persian_number
from webapp.statistics import Outcome
from webapp.statistics.funnel import Step
from webapp.statistics.sources import OTHER
from webapp.web.views import services

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from webapp.statistics import Count
    from webapp.statistics.funnel import StepCount

_MOST_ROWS: Final = 20  # of sources; the others are one row
_DELIVERED: Final = str(Outcome.DELIVERED)
# Only forms that verify numbers have these.
_VERIFICATION: Final = (Step.CODE_SENT, Step.VERIFIED)

# A row of a CSV file: its day, form, source or step, and count.
CsvRow = tuple["date", str, str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its label, and its cells."""

    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunnelTable:
    """The steps of each public form: the captions of the columns, and the rows."""

    columns: tuple[str, ...]
    rows: list[Row]


# Sources


def source_rows(first: date, last: date) -> list[Row]:
    """Return the sources of these days, the most frequent first; none if no form has any."""
    sources = services().delivery.statistics.sources
    listing = [slug for slug, form in services().definitions.items() if form.from_url]
    found = sources.top(first, last, most=_MOST_ROWS, listing=listing)
    names = {OTHER: texts.OTHER_SOURCES, "": texts.NO_SOURCE}
    return [Row(names.get(name, name), (persian_number(number),)) for name, number in found]


def source_csv(first: date, last: date) -> Iterator[CsvRow]:
    """Yield the sources of these days by day and form."""
    for one in services().delivery.statistics.sources.daily(first, last):
        definition = services().definitions.get(one.form)
        if one.source or (definition and definition.from_url):
            yield one.day, one.form, one.source, one.count


# Steps


def funnel_table(first: date, last: date, counts: Iterable[Count]) -> FunnelTable | None:
    """Return how far visitors went in these days; None if they did nothing in a public form.

    Args:
        first: The first day.
        last: The last day.
        counts: The daily counts of these days.
    """
    forms = [
        (slug, definition.title)
        for slug, definition in services().definitions.items()
        if definition.access is Access.PUBLIC
    ]
    sums = _step_sums(services().delivery.funnel.counts(first, last), counts)
    if not any(sums[slug, step] for slug, _ in forms for step in texts.STEPS):
        return None
    verifying = {slug for slug, step in sums if step in _VERIFICATION}
    steps = [str(step) for step in Step if verifying or step not in _VERIFICATION]
    steps.append(_DELIVERED)
    rows = [
        Row(title, tuple(_cell(sums, slug, step, verifies=slug in verifying) for step in steps))
        for slug, title in forms
    ]
    return FunnelTable(tuple(texts.STEPS[step] for step in steps), rows)


def _step_sums(steps: Iterable[StepCount], counts: Iterable[Count]) -> Counter[tuple[str, str]]:
    """Return the sums by form and step, the delivery included."""
    sums: Counter[tuple[str, str]] = Counter()
    for step in steps:
        sums[step.form, str(step.step)] += step.count
    for one in counts:
        if one.outcome is Outcome.DELIVERED:
            sums[one.form, _DELIVERED] += one.count
    return sums


def _cell(sums: Counter[tuple[str, str]], form: str, step: str, *, verifies: bool) -> str:
    """Return the number of a step, with its share of the form's views if that says something."""
    if step in _VERIFICATION and not verifies:
        return texts.NO_STEP
    number, shown = sums[form, step], sums[form, str(Step.SHOWN)]
    text = persian_number(number)
    # More than were shown: from before views were counted, or a killed process counted them.
    if step == Step.SHOWN or not shown or number > shown:
        return text
    share = persian_number(100 * number / shown, decimals=1)
    return texts.SHARE.format(n=text, share=share)


def step_csv(first: date, last: date, counts: Iterable[Count]) -> Iterator[CsvRow]:
    """Yield the steps of these days by day and form, the deliveries of public forms included."""
    public = {slug for slug, form in services().definitions.items() if form.access is Access.PUBLIC}
    rows: list[CsvRow] = [
        (one.day, one.form, str(one.step), one.count)
        for one in services().delivery.funnel.counts(first, last)
    ]
    rows += (
        (one.day, one.form, _DELIVERED, one.count)
        for one in counts
        if one.outcome is Outcome.DELIVERED and one.form in public
    )
    order = [*map(str, Step), _DELIVERED]
    yield from sorted(rows, key=lambda row: (row[0], row[1], order.index(row[2])))
