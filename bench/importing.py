"""An import of twenty thousand rows: how long it takes, and what people beside it notice."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import table
from bringing import bring, numbers, send, written
from launch import run_app, run_portal
from load import OPERATOR, trips

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from launch import Program
    from people import Figures

_ROWS = 20_000
_PEOPLE = 4
_SECONDS = 8
_POLL_S = 0.5
_SAMPLE_S = 0.05


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
        before = app.megabytes
        began = time.monotonic()
        with ThreadPoolExecutor() as pool:
            brought = pool.submit(bring, app.url, content)
            peak = _peak_mb(app, brought)
        address = brought.result()
        table.line("upload until preview", f"{time.monotonic() - began:.1f} s")
        table.line("memory of all processes", f"{before:.0f} MB before, at most {peak:.0f} MB")
        with ThreadPoolExecutor() as pool:
            brought = pool.submit(bring, app.url, content)
            figures["a file is read"] = _people(app)
        brought.result()
        send(address)
        began = time.monotonic()
        figures["rows are sent"] = _people(app)
        while (report := numbers(address)).get("state") == "running":
            time.sleep(_POLL_S)
        seconds = time.monotonic() - began
        table.line("all are sent after", f"{seconds:.0f} s", f"{_ROWS / seconds:.0f} a second")
        table.line("the report", str(report))
        table.trips_heading()
        for what, measured in figures.items():
            table.trips_row(f"{_PEOPLE} people, {what}", measured)


def _peak_mb(app: Program, call: Future[str]) -> float:
    """Return the most that all processes of a server hold during a call."""
    peak = 0.0
    while not call.done():
        with contextlib.suppress(OSError):  # a process ends meanwhile
            peak = max(peak, app.megabytes)
        time.sleep(_SAMPLE_S)
    return peak


def _people(app: Program) -> Figures:
    return trips(OPERATOR, app, people=_PEOPLE, seconds=_SECONDS, counts_cpu=False).figures()
