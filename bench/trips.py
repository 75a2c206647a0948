"""The cost of a whole trip: the page, the POST, the page with the receipt.

Ours and a plain app in turns, with a portal that answers at once. Requests are those of Chromium,
settings are the defaults. Ours stores the contact on disk before it calls the portal, and
compresses its pages. CPU time is that of all processes of a program; the client and the portal are
not in it, but share the same cores.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import table
from launch import run_app, run_plain_app, run_portal
from load import (
    CONSTANT,
    FIRST_VISIT,
    KEEPING,
    NEXT_CONTACT,
    OPERATOR,
    PLAIN_VISITOR,
    VISITOR,
    trips,
)

if TYPE_CHECKING:
    from pathlib import Path

_PEOPLE = 16
_SECONDS = 3


def measure(folder: Path) -> None:
    """Compare trips."""
    table.title(
        f"Trips, {_PEOPLE} people without a pause, portal of 0 ms, "
        f"{table.TURNS} turns of {_SECONDS} s"
    )
    table.trips_heading()
    with (
        run_portal(0, folder) as portal_url,
        run_plain_app(portal_url, folder) as plain_app,
        run_app(portal_url, folder) as app,
    ):
        rows = {
            "operator, plain app: page, POST, receipt": (OPERATOR, plain_app),
            "operator, ours": (OPERATOR, app),
            "operator, the packages' limit: constant pages": (CONSTANT, plain_app),
            "operator's next contact, plain app: POST, receipt": (NEXT_CONTACT, plain_app),
            "operator's next contact, ours": (NEXT_CONTACT, app),
            "operator keeping city and labels, ours": (KEEPING, app),
            "visitor, plain app: page, POST, receipt": (PLAIN_VISITOR, plain_app),
            "visitor, ours, in a frame": (VISITOR, app),
            "visitor, ours, with scripts, styles and the font": (FIRST_VISIT, app),
        }
        loads = [
            partial(trips, plan, program, people=_PEOPLE, seconds=_SECONDS)
            for plan, program in rows.values()
        ]
        results = table.trips_in_turn(loads)
    for what, (figures, spread) in zip(rows, results, strict=True):
        table.trips_row(what, figures, spread)
    load_ms = max(figures.load_ms for figures, _ in results)
    table.line("CPU ms of the client per trip, at most", f"{load_ms:.1f}")
