"""An import of twenty thousand rows: until the preview, until all are sent, and people beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import table
from bringing import bring, numbers, send, written
from launch import run_app, run_portal
from load import OPERATOR, trips
from processes import peak_memory_mb

if TYPE_CHECKING:
    from pathlib import Path

    from launch import Program
    from people import Figures

_ROWS = 20_000
_PEOPLE = 4
_SECONDS = 8
_POLL_S = 0.5


def measure(folder: Path) -> None:
    """Measure an import with a portal that answers at once."""
    rows = (
        {"Mobile": f"0912{number:07}", "FName": "سارا", "LName": "کاظمی", "CityName": "تهران"}
        for number in range(_ROWS)
    )
    content = written(rows)
    table.title(f"{_ROWS:,} rows, {len(content) / 1e6:.1f} MB of CSV, IMPORT_RATE as it comes")
    with run_portal(0, folder) as portal_url, run_app(portal_url, folder) as app:
        figures = {"nothing is imported": _people(app)}
        before = peak_memory_mb(app.pid)
        began = time.monotonic()
        address = bring(app.url, content)
        table.line("upload until preview", f"{time.monotonic() - began:.1f} s")
        table.line(
            "peak memory of all processes together",
            f"{before:.0f} MB before, {peak_memory_mb(app.pid):.0f} MB after the preview",
        )
        send(address)
        began = time.monotonic()
        figures["rows are sent"] = _people(app)
        while (found := numbers(address)).get("state") == "running":
            time.sleep(_POLL_S)
        table.line(
            "all are sent after",
            f"{time.monotonic() - began:.0f} s: {found}, {_ROWS / (time.monotonic() - began):.0f}/s",
        )
        table.trips_heading()
        for what, found_figures in figures.items():
            table.trips_row(f"{_PEOPLE} people, {what}", found_figures, "")


def _people(app: Program) -> Figures:
    return trips(OPERATOR, app, people=_PEOPLE, seconds=_SECONDS, counts_cpu=False).figures()
