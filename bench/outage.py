"""Response times while the portal is slow, hangs and comes back, with the default deadline.

Sixty-four people submit without a pause; four more open the operators' page. The portal begins to
hang meanwhile: the figures include the first ones that are affected.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import requests
import table
from launch import run_app, run_plain_app, run_portal
from load import FULL, OPERATOR, Pages, trips

if TYPE_CHECKING:
    from pathlib import Path

    from launch import Program
    from load import PageFigures
    from people import Figures

_LATENCY_S = 0.2
_PEOPLE = 64
_READERS = 4
_SECONDS = 4
_UNDER_WAY_S = 20  # more than two deadlines, the longest that anybody waits
_NOTICED_S = 30


def measure(folder: Path) -> None:
    """Measure a slow portal, then a dead one."""
    latency = f"portal of {_LATENCY_S * 1000:.0f} ms"
    with run_portal(_LATENCY_S, folder) as portal_url:
        table.title(
            f"Trips, {_PEOPLE} people without a pause, {latency}, "
            f"{table.TURNS} turns of {_SECONDS} s"
        )
        table.trips_heading()
        with run_plain_app(portal_url, folder) as plain_app, run_app(portal_url, folder) as app:
            loads = [
                partial(trips, OPERATOR, program, people=_PEOPLE, seconds=_SECONDS)
                for program in (plain_app, app)
            ]
            results = table.trips_in_turn(loads)
        for what, (figures, spread) in zip(("plain app", "ours"), results, strict=True):
            table.trips_row(f"operator, {what}", figures, spread)
        with run_app(portal_url, folder) as app:
            _measure_outage(app, folder)


def _measure_outage(app: Program, folder: Path) -> None:
    hangs = folder / "hangs"
    results = {f"portal of {_LATENCY_S * 1000:.0f} ms": _mix(app, _SECONDS)}
    hangs.touch()
    results[f"portal begins to hang, the first {_UNDER_WAY_S} s"] = _mix(app, _UNDER_WAY_S)
    results["portal hangs on"] = _mix(app, _SECONDS)
    hangs.unlink()
    back = time.monotonic()
    while _is_paused(app) and time.monotonic() - back < _NOTICED_S:
        time.sleep(0.05)
    noticed = time.monotonic() - back
    results["portal is back"] = _mix(app, _SECONDS)
    table.title(f"{_PEOPLE} people submit, {_READERS} more open the operators' page; 8 s deadline")
    table.pages_heading()
    for when, (pages, _) in results.items():
        table.pages_row(f"pages, {when}", pages)
    table.trips_heading()
    for when, (_, figures) in results.items():
        table.trips_row(f"trips, {when}", figures, f"longest POST {figures.post[2] / 1000:.1f} s")
    table.line("recovery of the portal noticed after", f"{noticed:.1f} s")


def _mix(app: Program, seconds: int) -> tuple[PageFigures, Figures]:
    """Let people submit without a pause, and others open pages meanwhile.

    The processor time is not asked for: it would be that of both.
    """
    submitting = trips(OPERATOR, app, people=_PEOPLE, seconds=seconds, counts_cpu=False)
    reading = Pages(app.url + FULL, people=_READERS, seconds=seconds)
    return reading.figures(), submitting.figures()


def _is_paused(app: Program) -> bool:
    return b'data-pause="' in requests.get(app.url, timeout=10).content
