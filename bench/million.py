"""How long the statistics take with a million rows in the outbox, on SQLite and PostgreSQL."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import table
from servers import PostgresServer
from sqlalchemy import String, cast, literal, update
from stock import deliver, fill

from webapp import create_app
from webapp.database import Database
from webapp.outbox import rows
from webapp.settings import Settings
from webapp.statistics import Statistics
from webapp.statistics.breakdowns import MAX_SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

_ROWS = 1_000_000
_DAYS = 30
_FORMS = 5
_SOURCES = MAX_SOURCES
_REPEATS = 9


def measure(folder: Path) -> None:
    """Measure the page before the worker has counted the rows, after it, and while all wait."""
    table.title(
        f"/statistics with {_ROWS:,} rows: {_DAYS} days, {_FORMS} forms, {_SOURCES} sources (ours)"
    )
    table.line("", "p50 ms", "most ms")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        _measure("SQLite", lambda place: f"sqlite:///{name}/{place}.sqlite3", Path(name))
    server = PostgresServer(folder)
    try:
        _measure("PostgreSQL", server.create, folder)
    finally:
        server.close()


def _measure(kind: str, address: Callable[[str], str], folder: Path) -> None:
    url = address("delivered")
    database = Database(url)
    deliver(database, _ROWS)
    _spread(database)
    _row(f"{kind}, delivered, none counted yet", url, folder)
    began, runs = time.monotonic(), 0
    while Statistics(database).count_settled():
        runs += 1
    seconds = f"{time.monotonic() - began:.0f} s"
    _row(f"{kind}, delivered and counted", url, folder, f"counted in {runs} runs, {seconds}")
    url = address("waiting")
    database = Database(url)
    fill(database, _ROWS)
    _spread(database)
    _row(f"{kind}, all wait to be sent", url, folder)


def _spread(database: Database) -> None:
    """Let the rows have come on several days, by several forms and from many sources."""
    c, now = rows.table.c, datetime.now(UTC).replace(tzinfo=None)
    for age in range(_DAYS):
        share = c.id.between(age * _ROWS // _DAYS + 1, (age + 1) * _ROWS // _DAYS)
        source = literal("source-") + cast(c.id % _SOURCES, String)
        came = {"created_at": now - timedelta(days=age), "form": f"form-{age % _FORMS}"}
        with database.write() as connection:
            connection.execute(update(rows.table).where(share).values(**came, source=source))


def _row(what: str, url: str, folder: Path, note: str = "") -> None:
    """Open the page several times, and print a line."""
    settings = replace(Settings(), amoot_token="t", secret_keys=("k",), amoot_url="http://[::1]:9/")
    client = create_app(replace(settings, database_url=url, state_directory=folder)).test_client()
    times = []
    for _ in range(_REPEATS + 1):
        began = time.monotonic()
        client.get("/statistics").get_data()
        times.append(1000 * (time.monotonic() - began))
    times = times[1:]  # the first opens the database
    table.line(what, f"{median(times):.0f}", f"{max(times):.0f}", note=note)
