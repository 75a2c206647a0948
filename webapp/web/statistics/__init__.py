"""Statistics, for operators: numbers of now, charts, and tables that open; the same as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from flask import Blueprint, Response, render_template, request

from webapp import persian
from webapp.forms.definitions import main_form
from webapp.messages import public
from webapp.messages import statistics as texts
from webapp.outbox.rows import NEEDS_ATTENTION, SUSPECT_STATUSES, WAITING
from webapp.persian import persian_number, today
from webapp.statistics import MAX_LIVE_ROWS, Count, CountedOutcome
from webapp.statistics.breakdowns import Breakdown
from webapp.web import closing
from webapp.web.rendering import require_intranet, services
from webapp.web.rendering.content import counted, csv_file
from webapp.web.statistics.tables import (
    HOURS,
    Chart,
    StatisticsTable,
    TableRow,
    breakdown_csv,
    breakdown_table,
    breakdowns,
    choice_rows,
    column_chart,
    form_title,
    funnel_table,
    in_order,
    row_chart,
    step_csv,
    typical_delay,
)

_MAX_BAR_LABEL: Final = 30  # characters; the table has the whole title
_DELIVERED: Final = str(CountedOutcome.DELIVERED)

blueprint = Blueprint("statistics", __name__)
blueprint.before_request(require_intranet)

_PERIODS_DAYS: Final = (7, 30, 365)
_DEFAULT_DAYS: Final = 30
_MAX_COLUMNS: Final = 60  # of a chart; longer periods are shown by weeks


@blueprint.get("/statistics")
def page() -> str:
    """Show the numbers of now, and the submissions of the last days."""
    days = _days()
    first, last = _first_and_last(days)
    week = persian.first_of_week(last)
    statistics = services().delivery.statistics
    is_behind = statistics.is_behind()
    all_counts = statistics.counts(min(first, week - _WEEK), last, live=not is_behind)
    counts = [one for one in all_counts if one.day >= first]
    numbers = breakdowns(first, last)
    of_week, before = (_total(all_counts, week - age, last - age) for age in (timedelta(0), _WEEK))
    comparison, sign = _comparison(of_week, before)
    return render_template(
        "statistics/statistics.html",
        tiles=_tiles(_total(all_counts, last, last), of_week),
        comparison=comparison,
        sign=sign,
        opening=_opening(),
        behind=texts.BEHIND.format(n=persian_number(MAX_LIVE_ROWS)) if is_behind else "",
        periods=[
            (number, texts.LAST_DAYS.format(n=persian_number(number))) for number in _PERIODS_DAYS
        ],
        days=days,
        period=texts.LAST_DAYS.format(n=persian_number(days)),
        typical=typical_delay(numbers[Breakdown.DELAY]),
        sections=list(_sections(first, last, counts, numbers[Breakdown.HOUR])) if counts else [],
        tables=[table for table in _tables(first, last, counts, numbers) if table.rows],
        home=main_form(services().definitions),
    )


def _tables(
    first: date, last: date, counts: list[Count], numbers: dict[Breakdown, dict[str, int]]
) -> Iterator[StatisticsTable]:
    """Yield the tables without a chart, those without a row too."""
    for kind in (Breakdown.OPERATOR, Breakdown.WAY, Breakdown.SOURCE):
        yield breakdown_table(kind, numbers[kind])
    yield funnel_table(first, last, counts)
    yield StatisticsTable(
        name="choice",
        title=texts.BY_CHOICE,
        columns=(texts.FORM, texts.FIELD, texts.CHOICE, texts.NUMBER),
        rows=choice_rows(first, last),
        note=texts.CHOICE_NOTE,
        csv="choice",
    )
    yield breakdown_table(Breakdown.DELAY, numbers[Breakdown.DELAY])


def _opening() -> list[str]:
    """Return which forms are open, and how many of their places are taken."""
    return [
        " ".join([public.FORM.format(title=form.title), *lines])
        for form in services().definitions.values()
        if (lines := closing.for_operators(form))
    ]


@blueprint.get("/statistics.csv")
def table() -> Response:
    """Return the numbers by day, form, and what `by` names, for spreadsheet programs."""
    first, last = _first_and_last(_days())
    by = request.args.get("by", "outcome")
    if by in list(Breakdown):
        return _csv(breakdown_csv(Breakdown(by), first, last), by)
    if by == "choice":
        return _csv(services().delivery.funnel.daily_choices(first, last), "field", "choice")
    statistics = services().delivery.statistics
    counts = statistics.counts(first, last, live=not statistics.is_behind())
    if by == "step":
        return _csv(step_csv(first, last, counts), by)
    outcomes = ((one.day, one.form, str(one.outcome), one.count) for one in counts)
    return _csv(outcomes, "outcome")


def _csv(rows: Iterable[tuple[date, *tuple[str, ...], int]], *names: str) -> Response:
    """Return rows as a file; these are the names of their columns after day and form."""
    header = ("day_jalali", "day", "form", *names, "count")
    lines = (
        (persian.jalali_iso(day), day.isoformat(), *cells, str(count))
        for day, *cells, count in rows
    )
    return csv_file("statistics", header, lines)


def _days() -> int:
    given = request.args.get("days", _DEFAULT_DAYS, type=int)
    return given if given in _PERIODS_DAYS else _DEFAULT_DAYS


def _first_and_last(days: int) -> tuple[date, date]:
    """Return the first and the last of so many days, of which today is the last."""
    last = today()
    return last - timedelta(days=days - 1), last


# Tiles

_WEEK: Final = timedelta(days=7)
_NOT_RECORDED: Final = (CountedOutcome.REJECTED, CountedOutcome.DISCARDED)


@dataclass(frozen=True, slots=True)
class Tile:
    """A number of now, and the page that lists what it counts, if there is one."""

    caption: str
    number: str
    href: str = ""


def _tiles(of_today: int, of_week: int) -> list[Tile]:
    """Return the numbers of now; of the outbox, what its lists have."""
    attention = counted(NEEDS_ATTENTION, but=SUSPECT_STATUSES)
    return [
        Tile(texts.TODAY, persian_number(of_today)),
        Tile(texts.THIS_WEEK, persian_number(of_week)),
        Tile(texts.OUTCOMES["waiting"], counted(WAITING), "/outbox?waiting=1"),
        Tile(texts.OUTCOMES["attention"], attention, "/outbox"),
    ]


def _comparison(now: int, before: int) -> tuple[str, str]:
    """Return this week's number against the one before in words, and a sign for it."""
    text, sign = texts.WEEK_SAME if now else "", ""
    if now != before:
        text, sign = (texts.WEEK_MORE, "▲") if now > before else (texts.WEEK_LESS, "▼")
    return text.format(n=persian_number(abs(now - before)), before=persian_number(before)), sign


def _total(counts: Iterable[Count], first: date, last: date) -> int:
    recorded = (one for one in counts if one.outcome not in _NOT_RECORDED)
    return sum(one.count for one in recorded if first <= one.day <= last)


# Sums


@dataclass(slots=True)
class _Sum:
    """A row of a table, and a bar of a chart with a short caption."""

    caption: str
    short: str
    numbers: dict[str, int] = field(default_factory=lambda: {str(it): 0 for it in CountedOutcome})

    @property
    def total(self) -> int:
        return sum(self.numbers.values())

    @property
    def row(self) -> TableRow:
        """Its numbers by outcome, and in all, as the table shows them."""
        return TableRow(
            self.caption, tuple(map(persian_number, (*self.numbers.values(), self.total)))
        )


@dataclass(frozen=True, slots=True)
class _ChartSection:
    """A chart and a table of the same numbers.

    Attributes:
        chart: The chart.
        summary: What it says in words: the total and the peak.
        outcomes: The outcomes in it.
        table: The table.
    """

    chart: Chart
    summary: str
    outcomes: list[str]
    table: StatisticsTable


def _sections(
    first: date, last: date, counts: list[Count], hours: Mapping[str, int]
) -> Iterator[_ChartSection]:
    days = [first + timedelta(days=age) for age in range((last - first).days + 1)]
    period = texts.LAST_DAYS.format(n=persian_number(len(days)))
    yield _time_section(days, counts, period)
    forms = _by_form(counts)
    yield _section(row_chart, forms, _outcome_table("form", forms, texts.BY_FORM), period)
    if hours:
        names = list(HOURS)
        shown = names[names.index(min(hours)) : names.index(max(hours)) + 1]
        sums = [
            _Sum(HOURS[it], persian_number(int(it)), {_DELIVERED: hours.get(it, 0)}) for it in shown
        ]
        table = breakdown_table(Breakdown.HOUR, hours)
        yield _section(column_chart, sums, table, period)


def _time_section(days: Sequence[date], counts: Iterable[Count], period: str) -> _ChartSection:
    """Return the section by days; by weeks, if there are too many days for a chart."""
    if len(days) <= _MAX_COLUMNS:
        title, nothing, caption = texts.BY_DAY, texts.NOTHING_ON_DAYS, "{day}"
        columns = {day: day for day in days}
    else:
        title, nothing, caption = texts.BY_WEEK, texts.NOTHING_IN_WEEKS, texts.WEEK_FROM
        columns = {day: persian.first_of_week(day) for day in days}
    sums = _by_time(columns, counts, caption)
    shown = [one for one in sums if one.total]
    empty = len(sums) - len(shown)
    note = nothing.format(n=persian_number(empty)) if empty else ""
    table = _outcome_table("time", shown[::-1], title, note=note, csv="outcome")
    return _section(column_chart, sums, table, period)


def _outcome_table(
    name: str, sums: Iterable[_Sum], title: str, *, note: str = "", csv: str = ""
) -> StatisticsTable:
    return StatisticsTable(
        name=name,
        title=title,
        columns=(texts.FIRST_COLUMNS[title], *texts.OUTCOMES.values(), texts.TOTAL),
        rows=[one.row for one in sums],
        note=note,
        total=_whole(sums).row,
        csv=csv,
    )


def _whole(sums: Iterable[_Sum]) -> _Sum:
    whole = _Sum(texts.TOTAL, texts.TOTAL)
    for one in sums:
        for outcome, number in one.numbers.items():
            whole.numbers[outcome] += number
    return whole


def _section(
    draw: Callable[[list[tuple[str, Mapping[str, int]]]], Chart],
    sums: Sequence[_Sum],
    table: StatisticsTable,
    period: str,
) -> _ChartSection:
    whole, peak = _whole(sums), max(reversed(sums), key=lambda one: one.total)
    summary = texts.CHART.format(
        title=table.title,
        period=period,
        total=persian_number(whole.total),
        most=persian_number(peak.total),
        caption=peak.caption,
    )
    outcomes = [outcome for outcome, number in whole.numbers.items() if number]
    return _ChartSection(draw([(one.short, one.numbers) for one in sums]), summary, outcomes, table)


def _by_time(columns: Mapping[date, date], counts: Iterable[Count], caption: str) -> list[_Sum]:
    """Return a sum for each column, those without a submission too.

    Args:
        columns: The first day of its column for each day, the oldest first.
        counts: The counts of these days.
        caption: The text of a column's caption, with its first day.
    """
    sums = {
        first: _Sum(caption.format(day=persian.date_in_words(first)), persian.day_and_month(first))
        for first in dict.fromkeys(columns.values())
    }
    for one in counts:
        sums[columns[one.day]].numbers[one.outcome] += one.count
    return list(sums.values())


def _by_form(counts: Iterable[Count]) -> list[_Sum]:
    """Return a sum for each form with a submission; forms that are gone come last."""
    sums: dict[str, _Sum] = {}
    for one in counts:
        title = form_title(one.form)
        sums.setdefault(one.form, _Sum(title, title)).numbers[one.outcome] += one.count
    for form in sums.values():
        short = form.caption
        if len(short) > _MAX_BAR_LABEL:
            short = f"{short[: _MAX_BAR_LABEL - 1].rstrip()}…"
        form.short = texts.BAR.format(caption=short, n=persian_number(form.total))
    return [sums[slug] for slug in in_order(sums)]
