"""The tables of the statistics page that have no chart, and the rows of their CSV files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Final, NamedTuple

from webapp.forms.definitions import Access
from webapp.messages import statistics as texts
from webapp.persian import persian_number
from webapp.statistics import Count, CountedOutcome
from webapp.statistics.breakdowns import OTHER, Breakdown
from webapp.statistics.funnel import FunnelStep, StepCount
from webapp.web.rendering import services

_MOST_ROWS: Final = 20  # of sources and operators; the others are one row
_MIN_TYPICAL: Final = 20  # deliveries; fewer have no typical delay
_DELIVERED: Final = str(CountedOutcome.DELIVERED)
# Only forms that verify numbers have these.
_VERIFICATION: Final = (FunnelStep.CODE_SENT, FunnelStep.VERIFIED)

HOURS: Final = {
    f"{hour:02}": texts.FROM_TO.format(begin=persian_number(hour), end=persian_number(hour + 1))
    for hour in range(24)
}
# The texts of names; others are shown as they are.
_NAMES: Final[Mapping[Breakdown, Mapping[str, str]]] = {
    Breakdown.SOURCE: {OTHER: texts.OTHER_NAMES, "": texts.NO_SOURCE},
    Breakdown.OPERATOR: {OTHER: texts.OTHER_NAMES, "": texts.NO_OPERATOR},
    Breakdown.WAY: texts.WAYS,
    Breakdown.HOUR: HOURS,
    Breakdown.DELAY: texts.DELAYS,
}


_CsvRow = tuple[date, str, str, int]  # day, form, name and count


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: its caption, and its cells."""

    caption: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsTable:
    """A table that opens below its title.

    Attributes:
        name: Its id.
        title: By what it counts.
        columns: Their captions, that of the rows' captions first.
        rows: The rows; the table is shown if it has some.
        note: What to know about its numbers.
        total: The last row, if it has one.
        csv: What its file is called in the address, if it has one.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[TableRow]
    note: str = ""
    total: TableRow | None = None
    csv: str = ""


# Breakdowns


def _listing(kind: Breakdown) -> list[str]:
    """Return the forms of which submissions without a name are listed, too."""
    forms = services().definitions.items()
    if kind is Breakdown.SOURCE:
        return [slug for slug, form in forms if form.from_url]
    if kind is Breakdown.OPERATOR and services().settings.intranet_users:
        return [slug for slug, form in forms if form.access is Access.INTRANET]
    return []


def breakdown_csv(kind: Breakdown, first: date, last: date) -> Iterator[_CsvRow]:
    """Yield the numbers of these days by day, form and name."""
    listing = _listing(kind)
    for row in services().delivery.statistics.breakdowns.daily(kind, first, last):
        _, form, name, _ = row
        if name or form in listing:
            yield row


def breakdowns(first: date, last: date) -> dict[Breakdown, dict[str, int]]:
    """Return the numbers of these days by name; hours and delays in their order."""
    stored = services().delivery.statistics.breakdowns
    numbers_by_kind = {
        kind: dict(stored.top(kind, first, last, most=_MOST_ROWS, listing=_listing(kind)))
        for kind in (Breakdown.SOURCE, Breakdown.OPERATOR, Breakdown.WAY)
    }
    for kind, names in ((Breakdown.HOUR, HOURS), (Breakdown.DELAY, texts.DELAYS)):
        numbers = dict(stored.top(kind, first, last, most=len(names)))
        numbers_by_kind[kind] = {name: numbers[name] for name in names if name in numbers}
    return numbers_by_kind


def breakdown_table(kind: Breakdown, numbers: Mapping[str, int]) -> StatisticsTable:
    """Return the table of numbers by name."""
    names = _NAMES[kind]
    title, column, note = texts.BREAKDOWNS[kind]
    rows = [TableRow(names.get(name, name), (persian_number(it),)) for name, it in numbers.items()]
    return StatisticsTable(
        name=kind,
        title=title,
        columns=(column, texts.DELIVERED),
        rows=rows,
        note=note,
        total=TableRow(texts.TOTAL, (persian_number(sum(numbers.values())),)),
        csv=kind,
    )


def typical_delay(numbers: Mapping[str, int]) -> str:
    """Return within which time half and nearly all were delivered; "" for a few."""
    total = sum(numbers.values())
    if total < _MIN_TYPICAL:
        return ""
    half, most = (_quantile(numbers, share * total / 100) for share in (50, 95))
    return texts.TYPICAL_DELAY.format(n=persian_number(total), half=half, most=most)


def _quantile(numbers: Mapping[str, int], wanted: float) -> str:
    """Return the text of the first delay up to which so many were delivered."""
    sums = zip(numbers, accumulate(numbers.values()), strict=True)
    return texts.DELAYS[next(name for name, reached in sums if reached >= wanted)]


# Steps


def funnel_table(first: date, last: date, counts: Iterable[Count]) -> StatisticsTable:
    """Return how far visitors went in these days, in each form that they saw."""
    step_counts = services().delivery.funnel.counts(first, last)
    sums = _step_sums(step_counts, counts)
    verifying = {slug for slug, step in sums if step in _VERIFICATION}
    steps = [str(step) for step in FunnelStep if verifying or step not in _VERIFICATION]
    steps.append(_DELIVERED)
    rows = [
        TableRow(
            form_title(slug),
            tuple(_cell(sums, slug, step, verifies=slug in verifying) for step in steps),
        )
        for slug in in_order({one.form for one in step_counts})
    ]
    return StatisticsTable(
        name="funnel",
        title=texts.FUNNEL,
        columns=(texts.FORM, *(texts.STEPS[step] for step in steps)),
        rows=rows,
        note=texts.FUNNEL_NOTE,
        csv="step",
    )


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


def step_csv(first: date, last: date, counts: Iterable[Count]) -> Iterator[_CsvRow]:
    """Yield the steps of these days by day and form, the deliveries of public forms included."""
    public = {slug for slug, form in services().definitions.items() if form.access is Access.PUBLIC}
    rows = [
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


def choice_rows(first: date, last: date) -> list[TableRow]:
    """Return what was chosen in these days, if anything: form, field, choice and number."""
    sums = services().delivery.funnel.choices(first, last)
    if not sums:
        return []
    rows: list[TableRow] = []
    for slug, definition in services().definitions.items():
        for field_ in filter(lambda it: it.choices, definition.fields):
            former = (choice for form, name, choice in sums if (form, name) == (slug, field_.name))
            for choice in dict.fromkeys((*field_.choices, *former)):
                number = persian_number(sums.get((slug, field_.name, choice), 0))
                rows.append(TableRow(definition.title, (field_.caption, choice, number)))
    return rows


# Texts


def in_order(slugs: Iterable[str]) -> list[str]:
    """Return the slugs of forms in the order of their file; of those that are gone, last."""
    places = {slug: place for place, slug in enumerate(services().definitions)}
    return sorted(slugs, key=lambda slug: (places.get(slug, len(places)), slug))


def form_title(slug: str) -> str:
    """Return the title of a form; of one that is gone, its slug."""
    definition = services().definitions.get(slug)
    return definition.title if definition else texts.FORM_GONE.format(slug=slug)


WIDTH: Final = 640
_COLUMNS_HEIGHT: Final = 260
_TOP: Final = 16
_BASE: Final = 216  # where columns stand
_MAX_LABELS: Final = 6  # of an axis, which small screens show large
_MAX_TICKS: Final = 4
_COLUMN_SHARE: Final = 0.72  # of the room for one
_MAX_COLUMN_WIDTH: Final = 48.0
_DIGIT_WIDTH: Final = 13  # on a small screen
_ROW_HEIGHT: Final = 60
_ROW_BAR: Final = (32, 18)  # its top within the row, and its height


class Segment(NamedTuple):
    """A rectangle, for the submissions of one outcome."""

    outcome: str
    x: float
    y: float
    width: float
    height: float


class Bar(NamedTuple):
    """A bar: its segments, its label and where that stands, "" for none."""

    label: str
    x: float
    y: float
    segments: list[Segment]


class Tick(NamedTuple):
    """A line across the chart, and the number beside it."""

    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart.

    Attributes:
        height: Its height; all are `WIDTH` wide.
        bars: Its bars.
        plot_width: Where the bars end, and the numbers of the axis begin.
        ticks: The lines of its axis.
        is_across: Whether its bars lie.
    """

    height: int
    bars: list[Bar]
    plot_width: float = WIDTH
    ticks: Sequence[Tick] = ()
    is_across: bool = False


def column_chart(items: Sequence[tuple[str, Mapping[str, int]]]) -> Chart:
    """Return a chart of standing bars.

    Args:
        items: The label of each bar, and its numbers by outcome; the oldest first.
    """
    step = _tick_step(max(sum(numbers.values()) for _, numbers in items))
    highest = step * -(-max(sum(numbers.values()) for _, numbers in items) // step)
    scale = (_BASE - _TOP) / highest
    texts = [persian_number(value) for value in range(0, highest + 1, step)]
    plot_width = WIDTH - 8 - _DIGIT_WIDTH * max(map(len, texts))
    room = plot_width / len(items)
    width = min(room * _COLUMN_SHARE, _MAX_COLUMN_WIDTH)
    labelled = -(-len(items) // _MAX_LABELS)
    bars = []
    for place, (label, numbers) in enumerate(items):
        middle = plot_width - (place + 0.5) * room
        bottom, segments = float(_BASE), []
        for outcome, number in numbers.items():
            bottom -= number * scale
            segments.append(Segment(outcome, middle - width / 2, bottom, width, number * scale))
        # From the newest on, which is the one that people look for.
        shown = label if (len(items) - 1 - place) % labelled == 0 else ""
        bars.append(Bar(shown, middle, _COLUMNS_HEIGHT - 14, segments))
    ticks = [Tick(_BASE - place * step * scale, text) for place, text in enumerate(texts)]
    return Chart(height=_COLUMNS_HEIGHT, bars=bars, plot_width=plot_width, ticks=ticks)


def row_chart(items: Sequence[tuple[str, Mapping[str, int]]]) -> Chart:
    """Return a chart of lying bars, each below its label; otherwise as `column_chart`."""
    scale = WIDTH / max(sum(numbers.values()) for _, numbers in items)
    top, height = _ROW_BAR
    bars = []
    for place, (label, numbers) in enumerate(items):
        start, y, segments = float(WIDTH), place * _ROW_HEIGHT, []
        for outcome, number in numbers.items():
            start -= number * scale
            segments.append(Segment(outcome, start, y + top, number * scale, height))
        bars.append(Bar(label, WIDTH, y + 22, segments))
    return Chart(height=len(items) * _ROW_HEIGHT, bars=bars, is_across=True)


def _tick_step(highest: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20 … that needs few steps up to this number."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if highest <= factor * size * _MAX_TICKS:
                return factor * size
        size *= 10
