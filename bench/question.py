"""What it costs to ask the phonebook for a number before a contact is created.

Two of our apps, whose forms differ only in `duplicates`, in turns. The phonebook knows none of
the numbers, so nobody is asked, and every submission pays for the search.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING

import table
from launch import run_app, run_portal
from load import OPERATOR, trips

if TYPE_CHECKING:
    from pathlib import Path

    from launch import Program

_POLICIES = ("ignore", "ask")
_LATENCIES_S = (0.0, 0.1)
_PEOPLE = (1, 16)
_SECONDS = 3
_FORMS = """
[forms.contact]
title = "ثبت مخاطب"
access = "intranet"
fields = "all"
label_choices = ["مشتری", "همکار"]
free_labels = true
duplicates = "{policy}"
"""


def measure(folder: Path) -> None:
    """Compare a form that asks with one that does not."""
    for policy in _POLICIES:
        (folder / policy).mkdir()
        (folder / policy / "forms.toml").write_text(_FORMS.format(policy=policy))
    for latency in _LATENCIES_S:
        table.title(
            f"An operator's trip without and with the search, portal of {latency * 1000:.0f} ms, "
            f"{table.TURNS} turns of {_SECONDS} s"
        )
        table.trips_heading()
        for people in _PEOPLE:
            with ExitStack() as stack:
                portal_url = stack.enter_context(run_portal(latency, folder))
                loads = [
                    partial(
                        trips,
                        OPERATOR,
                        stack.enter_context(_run(portal_url, folder / policy)),
                        people=people,
                        seconds=_SECONDS,
                    )
                    for policy in _POLICIES
                ]
                results = table.trips_in_turn(loads)
            for policy, (figures, spread) in zip(_POLICIES, results, strict=True):
                table.trips_row(f'duplicates = "{policy}", {people} people', figures, spread)


def _run(portal_url: str, folder: Path) -> AbstractContextManager[Program]:
    return run_app(portal_url, folder, FORMS_FILE=str(folder / "forms.toml"))
