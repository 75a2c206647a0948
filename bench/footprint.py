"""Start-up time, and memory after a hundred thousand pages and thousands of trips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import table
from launch import run_app, run_plain_app, run_portal
from load import FULL, OPERATOR, PLAIN_VISITOR, Pages, trips

if TYPE_CHECKING:
    from pathlib import Path

    from launch import Program

_PAGES = 100_000  # that must leave no trace in memory
_PEOPLE = 64
_SECONDS = 6


def measure(folder: Path) -> None:
    """Show the memory of all processes, what they share counted once."""
    table.title("Start and memory (PSS of all processes, what they share counted once)")
    with run_portal(0, folder) as portal_url:
        with run_plain_app(portal_url, folder) as plain_app:
            table.line("plain app: first answer after", f"{plain_app.started_in:.2f} s")
            trips(OPERATOR, plain_app, people=_PEOPLE, seconds=_SECONDS).figures()
            trips(PLAIN_VISITOR, plain_app, people=_PEOPLE, seconds=_SECONDS).figures()
            _show(plain_app, f"plain app: {2 * _SECONDS} s of trips", 0)
        with run_app(portal_url, folder) as app:
            table.line("ours: first answer after", f"{app.started_in:.2f} s")
            _grow(app)


def _grow(app: Program) -> None:
    held = _show(app, "ours: the first answer", 0)
    answered = 0.0
    while answered < _PAGES:
        answered += Pages(app.url + FULL, people=32, seconds=_SECONDS).figures().rate * _SECONDS
    held = _show(app, f"ours: {answered:,.0f} pages", held)
    made = 0
    for _ in range(3):
        figures = trips(OPERATOR, app, people=_PEOPLE, seconds=_SECONDS).figures()
        made += sum(figures.outcomes.values())
        held = _show(app, f"ours: {made:,} trips besides", held)


def _show(program: Program, when: str, before: float) -> float:
    held = program.megabytes
    table.line(f"{when}", f"{held:.0f} MB", note=f"{held - before:+.1f}" if before else "")
    return held
