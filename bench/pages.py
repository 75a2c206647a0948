"""Pages a second: a bare view, which is the upper limit, a plain app and ours, in turns."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import table
from launch import run_app, run_plain_app, run_portal
from load import FULL, SIGN_UP, Pages

if TYPE_CHECKING:
    from pathlib import Path

_PEOPLE = 32
_SECONDS = 2


def measure(folder: Path) -> None:
    """Compare pages a second."""
    table.title(f"Pages, {_PEOPLE} people without a pause, {table.TURNS} turns of {_SECONDS} s")
    table.pages_heading()
    with (
        run_portal(0, folder) as portal_url,
        run_plain_app(portal_url, folder) as plain_app,
        run_app(portal_url, folder) as app,
    ):
        urls = {
            "a bare Flask view": f"{plain_app.url}/bare",
            "plain app: full form": plain_app.url + FULL,
            "plain app: sign-up": f"{plain_app.url}/signup",
            "ours: full form": app.url + FULL,
            "ours: sign-up in a frame": app.url + SIGN_UP,
        }
        for url in urls.values():
            Pages(url, people=_PEOPLE, seconds=1).figures()  # the first pages of each worker
        loads = [partial(Pages, url, people=_PEOPLE, seconds=_SECONDS) for url in urls.values()]
        bare, *others = table.pages_in_turn(loads)
    names = iter(urls)
    table.pages_row(next(names), bare)
    for what, figures in zip(names, others, strict=True):
        table.pages_row(what, figures, f"{figures.rate / bare.rate:.0%} of the bare view")
