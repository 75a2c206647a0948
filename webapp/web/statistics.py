"""Statistics, for operators: submissions by day, form, outcome and source, as page and as CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from flask import Blueprint, Response, render_template, request

from webapp import persian
from webapp.forms.definitions import Access, main_form
from webapp.messages import opening as opening_texts
from webapp.messages import statistics as source_texts
from webapp.messages import statistics as texts
from webapp.persian import persian_number
from webapp.statistics import Count, CountedOutcome, today
from webapp.statistics.funnel import FunnelStep, StepCount
from webapp.statistics.sources import OTHER
from webapp.web import closing
from webapp.web.rendering import (
    charts,
    duration,
    needing_attention,
    require_intranet,
    services,
    waiting,
)
from webapp.web.rendering.charts import csv_file

_MOST_ROWS: Final = 20  # of sources; the others are one row
_DELIVERED: Final = str(CountedOutcome.DELIVERED)
# Only forms that verify numbers have these.
_VERIFICATION: Final = (FunnelStep.CODE_SENT, FunnelStep.VERIFIED)

# A row of a CSV file: its day, form, source or step, and count.
CsvRow = tuple["date", str, str, int]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a table: its label, and its cells."""

    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunnelTable:
    """The steps of each public form: the captions of the columns, and the rows."""

    columns: tuple[str, ...]
    rows: list[SourceRow]


# Sources


def source_rows(first: date, last: date) -> list[SourceRow]:
    """Return the sources of these days, the most frequent first; none if no form has any."""
    sources = services().delivery.statistics.sources
    listing = [slug for slug, form in services().definitions.items() if form.from_url]
    found = sources.top(first, last, most=_MOST_ROWS, listing=listing)
    names = {OTHER: texts.OTHER_SOURCES, "": texts.NO_SOURCE}
    return [SourceRow(names.get(name, name), (persian_number(number),)) for name, number in found]


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
    steps = [str(step) for step in FunnelStep if verifying or step not in _VERIFICATION]
    steps.append(_DELIVERED)
    rows = [
        SourceRow(
            title, tuple(_cell(sums, slug, step, verifies=slug in verifying) for step in steps)
        )
        for slug, title in forms
    ]
    return FunnelTable(tuple(texts.STEPS[step] for step in steps), rows)


def _step_sums(steps: Iterable[StepCount], counts: Iterable[Count]) -> Counter[tuple[str, str]]:
    """Return the sums by form and step, the delivery included."""
    sums: Counter[tuple[str, str]] = Counter()
    for step in steps:
        sums[step.form, str(step.step)] += step.count
    for one in counts:
        if one.outcome is CountedOutcome.DELIVERED:
            sums[one.form, _DELIVERED] += one.count
    return sums


def _cell(sums: Counter[tuple[str, str]], form: str, step: str, *, verifies: bool) -> str:
    """Return the number of a step, with its share of the form's views if that says something."""
    if step in _VERIFICATION and not verifies:
        return texts.NO_STEP
    number, shown = sums[form, step], sums[form, str(FunnelStep.SHOWN)]
    text = persian_number(number)
    # More than were shown: from before views were counted, or a killed process counted them.
    if step == FunnelStep.SHOWN or not shown or number > shown:
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
        if one.outcome is CountedOutcome.DELIVERED and one.form in public
    )
    order = [*map(str, FunnelStep), _DELIVERED]
    yield from sorted(rows, key=lambda row: (row[0], row[1], order.index(row[2])))


# Choices


def choice_rows(first: date, last: date) -> list[SourceRow]:
    """Return what was chosen in these days: form, field, choice and number."""
    sums = services().delivery.funnel.choices(first, last)
    rows: list[SourceRow] = []
    for slug, definition in services().definitions.items():
        for field_ in filter(lambda it: it.choices, definition.fields):
            former = (choice for form, name, choice in sums if (form, name) == (slug, field_.name))
            for choice in dict.fromkeys((*field_.choices, *former)):
                number = persian_number(sums.get((slug, field_.name, choice), 0))
                rows.append(SourceRow(definition.title, (field_.label, choice, number)))
    return rows


blueprint = Blueprint("statistics", __name__)
blueprint.before_request(require_intranet)

_PERIODS_DAYS: Final = (7, 30, 365)
_DEFAULT_DAYS: Final = 30
_MAX_COLUMNS: Final = 60  # of a chart; longer periods are shown by weeks


@blueprint.get("/statistics")
def page() -> str:
    """Show the submissions of the last days, as charts and tables."""
    days = _days()
    first, last = _first_and_last(days)
    counts = services().delivery.statistics.counts(first, last)
    return render_template(
        "statistics/statistics.html",
        v=source_texts,
        periods=[(number, texts.LAST_DAYS.format(n=_number(number))) for number in _PERIODS_DAYS],
        days=days,
        period=texts.LAST_DAYS.format(n=_number(days)),
        outcomes=[str(outcome) for outcome in CountedOutcome],
        sections=_sections(first, last, counts) if counts else [],
        funnel=funnel_table(first, last, counts),
        sources=source_rows(first, last),
        choices=choice_rows(first, last),
        waiting=waiting(),
        attention=needing_attention(),
        opening=_opening(),
        home=main_form(services().definitions),
    )


def _opening() -> list[str]:
    """Return which forms are open, and how many of their places are taken."""
    found = {form.title: closing.for_operators(form) for form in services().definitions.values()}
    return [
        " ".join([opening_texts.FORM.format(title=title), *lines])
        for title, lines in found.items()
        if lines
    ]


@blueprint.get("/statistics.csv")
def table() -> Response:
    """Return the numbers by day, form and outcome, source or step, for spreadsheet programs."""
    first, last = _first_and_last(_days())
    by = request.args.get("by", "outcome")
    if by == "choice":
        return _choice_csv(services().delivery.funnel.daily_choices(first, last))
    counts = services().delivery.statistics.counts(first, last) if by != "source" else []
    if by == "source":
        return _csv(by, source_csv(first, last))
    if by == "step":
        return _csv(by, step_csv(first, last, counts))
    return _csv("outcome", ((one.day, one.form, str(one.outcome), one.count) for one in counts))


def _choice_csv(rows: Iterable[tuple[date, str, str, str, int]]) -> Response:
    """Return what was chosen as a file."""
    header = ("day_jalali", "day", "form", "field", "choice", "count")
    lines = (
        (persian.jalali_iso(day), day.isoformat(), *names, str(count))
        for day, *names, count in rows
    )
    return csv_file("statistics", header, lines)


def _csv(by: str, rows: Iterable[CsvRow]) -> Response:
    """Return rows as a file; by tells what their third column is."""
    header = ("day_jalali", "day", "form", by, "count")
    lines = (
        (persian.jalali_iso(day), day.isoformat(), form, name, str(count))
        for day, form, name, count in rows
    )
    return csv_file("statistics", header, lines)


def _days() -> int:
    given = request.args.get("days", _DEFAULT_DAYS, type=int)
    return given if given in _PERIODS_DAYS else _DEFAULT_DAYS


def _first_and_last(days: int) -> tuple[date, date]:
    """Return the first and the last of so many days, of which today is the last."""
    last = today()
    return last - timedelta(days=days - 1), last


# Sums


@dataclass(slots=True)
class _Sum:
    """A row of a table, and a bar of a chart."""

    label: str
    short: str
    numbers: dict[str, int] = field(default_factory=lambda: {str(it): 0 for it in CountedOutcome})
    timed: int = 0
    seconds: float = 0.0

    def add(self, one: Count) -> None:
        self.numbers[one.outcome] += one.count
        self.timed += one.timed
        self.seconds += one.seconds

    @property
    def total(self) -> int:
        return sum(self.numbers.values())

    @property
    def total_text(self) -> str:
        """Its total, as pages show it."""
        return _number(self.total)

    @property
    def cells(self) -> list[str]:
        """Its numbers by outcome, and in all, then the mean time, as the table shows them."""
        mean = duration(self.seconds / self.timed) if self.timed else texts.NO_MEAN
        return [*(_number(number) for number in self.numbers.values()), self.total_text, mean]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A chart and a table of the same numbers."""

    name: str
    title: str
    column: str
    sums: list[_Sum]
    whole: _Sum
    chart: charts.Chart

    @property
    def peak(self) -> _Sum:
        """The row with the highest total, the latest if there are several."""
        return max(self.sums, key=lambda one: one.total)


def _sections(first: date, last: date, counts: list[Count]) -> list[_Section]:
    whole, forms = _Sum(texts.TOTAL, texts.TOTAL), _by_form(counts)
    for one in counts:
        whole.add(one)
    days = [first + timedelta(days=age) for age in range((last - first).days + 1)]
    is_by_week = len(days) > _MAX_COLUMNS
    times = _by_time(days, counts, first_of=persian.first_of_week if is_by_week else _same_day)
    return [
        _Section(
            name="time",
            title=texts.BY_WEEK if is_by_week else texts.BY_DAY,
            column=texts.WEEK if is_by_week else texts.DAY,
            sums=times[::-1],
            whole=whole,
            chart=charts.columns([(one.short, one.numbers) for one in times]),
        ),
        _Section(
            name="form",
            title=texts.BY_FORM,
            column=texts.FORM,
            sums=forms,
            whole=whole,
            chart=charts.rows([(one.short, one.numbers) for one in forms]),
        ),
    ]


def _same_day(day: date) -> date:
    return day


def _by_time(
    days: Iterable[date], counts: Iterable[Count], *, first_of: Callable[[date], date]
) -> list[_Sum]:
    """Return a sum for each day or week, the oldest first, those without a submission too.

    Args:
        days: The days that the counts cover, the oldest first.
        counts: The counts.
        first_of: Returns the first day of the week of a day; or the day itself.
    """
    name = texts.WEEK_FROM if first_of is persian.first_of_week else "{day}"
    sums: dict[date, _Sum] = {}
    for day in days:
        first = first_of(day)
        label = name.format(day=persian.date_in_words(first))
        sums.setdefault(first, _Sum(label, persian.day_and_month(first)))
    for one in counts:
        sums[first_of(one.day)].add(one)
    return list(sums.values())


def _by_form(counts: Iterable[Count]) -> list[_Sum]:
    """Return a sum for each form with a submission; forms that are gone come last."""
    definitions = services().definitions
    found: dict[str, _Sum] = {}
    for one in counts:
        definition = definitions.get(one.form)
        title = definition.title if definition else one.form or texts.FORM_UNKNOWN
        found.setdefault(one.form, _Sum(title, title)).add(one)
    for form in found.values():
        form.short = texts.BAR.format(label=form.label, n=_number(form.total))
    places = {slug: place for place, slug in enumerate(definitions)}
    return [found[slug] for slug in sorted(found, key=lambda it: (places.get(it, len(places)), it))]


# Texts


def _number(value: int) -> str:
    return persian.persian_number(value)
