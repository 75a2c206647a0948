"""Response times while ten thousand contacts are delivered, as after an outage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import table
from launch import SECRET, run_app, run_portal
from load import SIGN_UP, Pages
from sqlalchemy import func, select
from stock import fill

from webapp.database import Database
from webapp.outbox import rows

if TYPE_CHECKING:
    from pathlib import Path

    from launch import Program

_WAITING = 10_000
_READERS = 4
_SECONDS = 6


def measure(folder: Path) -> None:
    """Compare the pages of others before and meanwhile."""
    table.title(f"{_READERS} people open pages without a pause while contacts go out (ours)")
    table.pages_heading()
    database = Database(f"sqlite:///{folder}/outbox.sqlite3", secret_keys=(SECRET,))
    with run_portal(0, folder) as portal_url, run_app(portal_url, folder) as app:
        table.pages_row("nothing waits", _read(app).figures())
        fill(database, _WAITING)
        started, reading = time.monotonic(), _read(app)
        table.pages_row(f"{_WAITING:,} contacts go out", reading.figures())
        while _count(database):
            time.sleep(0.1)
        table.line("all have gone out after", f"{time.monotonic() - started:.1f} s")


def _read(app: Program) -> Pages:
    return Pages(app.url + SIGN_UP, people=_READERS, seconds=_SECONDS)


def _count(database: Database) -> int:
    outbox = rows.table
    waiting = select(func.count()).where(outbox.c.state.in_(rows.WAITING))
    with database.read() as connection:
        count: int = connection.execute(waiting).scalar_one()
    return count
