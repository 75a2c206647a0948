"""The geometry of charts, which a template draws as SVG; and tables as CSV and XLSX files.

Lengths are in units of the SVG. Time runs from the right to the left, as a Persian text does.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from flask import Response

from webapp.imports.file import BOM, safe_cell
from webapp.persian import persian_number

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


def columns(items: Sequence[tuple[str, Mapping[str, int]]]) -> Chart:
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


def rows(items: Sequence[tuple[str, Mapping[str, int]]]) -> Chart:
    """Return a chart of lying bars, each below its label; otherwise as `columns`."""
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


_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def xlsx_file(name: str, content: bytes) -> Response:
    """Return a workbook as a download."""
    return _download(content, f"{name}.xlsx", _XLSX)


def csv_file(name: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> Response:
    """Return rows as a download in CSV."""
    file = io.StringIO()
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in line] for line in lines)
    return _download(file.getvalue(), f"{name}.csv", "text/csv; charset=utf-8")


def _download(content: bytes | str, name: str, mimetype: str) -> Response:
    response = Response(content, content_type=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
