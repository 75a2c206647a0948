"""Statistics, for operators: submissions by day, form, outcome and source, as page and as CSV."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, render_template, request

from webapp import persian
from webapp.forms.definitions import main_form
from webapp.messages import statistics as source_texts
from webapp.messages import statistics as texts
from webapp.statistics import Outcome, today
from webapp.web.views import (
    charts,
    needing_attention,
    require_intranet,
    services,
    sources,
    waiting,
)
from webapp.web.views.downloads import csv_file
from webapp.web.views.formatting import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from webapp.statistics import Count

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
        outcomes=[str(outcome) for outcome in Outcome],
        sections=_sections(first, last, counts) if counts else [],
        funnel=sources.funnel_table(first, last, counts),
        sources=sources.source_rows(first, last),
        waiting=waiting(),
        attention=needing_attention(),
        home=main_form(services().definitions),
    )


@blueprint.get("/statistics.csv")
def table() -> Response:
    """Return the numbers by day, form and outcome, source or step, for spreadsheet programs."""
    first, last = _first_and_last(_days())
    by = request.args.get("by", "outcome")
    counts = services().delivery.statistics.counts(first, last) if by != "source" else []
    if by == "source":
        return _csv(by, sources.source_csv(first, last))
    if by == "step":
        return _csv(by, sources.step_csv(first, last, counts))
    return _csv("outcome", ((one.day, one.form, str(one.outcome), one.count) for one in counts))


def _csv(by: str, rows: Iterable[sources.CsvRow]) -> Response:
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
    numbers: dict[str, int] = field(default_factory=lambda: {str(it): 0 for it in Outcome})
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
    def cells(self) -> list[str]:
        """Its numbers by outcome, and in all, then the mean time, as the table shows them."""
        mean = duration(self.seconds / self.timed) if self.timed else texts.NO_MEAN
        return [*(_number(number) for number in (*self.numbers.values(), self.total)), mean]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A chart and a table of the same numbers."""

    name: str
    title: str
    column: str
    sums: list[_Sum]
    whole: _Sum
    chart: charts.Chart


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
