"""Throughput by number of people, workers, rows and machines, on SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import table
from launch import run_app, run_portal
from load import OPERATOR, trips
from servers import PostgresServer
from stock import deliver

from webapp.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from launch import Program

_SECONDS = 3
_PEOPLE = (1, 16, 64, 256)
_WORKERS = (1, 2)
_MACHINES = (1, 2)
_ROWS = (100, 10_000, 1_000_000)
_ROWS_PEOPLE = 64


def measure(folder: Path) -> None:
    """Measure trips in each of these states, on SQLite and on PostgreSQL."""
    table.title(f"Operators' trips without a pause, portal of 0 ms, {_SECONDS} s each (ours)")
    table.trips_heading()
    with run_portal(0, folder) as portal_url:
        for workers in _WORKERS:
            with _servers(portal_url, folder, WEB_CONCURRENCY=str(workers)) as servers:
                for people in _PEOPLE:
                    _row(f"SQLite, {_named(workers, 'worker')}, {people} people", servers, people)
        for rows in _ROWS:
            with tempfile.TemporaryDirectory(dir=folder) as name:
                deliver(Database(f"sqlite:///{name}/outbox.sqlite3"), rows)
                with _servers(portal_url, Path(name)) as servers:
                    _row(f"SQLite, {rows:,} rows, {_ROWS_PEOPLE} people", servers, _ROWS_PEOPLE)
        server = PostgresServer(folder)
        try:
            _measure_postgres(server, portal_url, folder)
        finally:
            server.close()


def _measure_postgres(server: PostgresServer, portal_url: str, folder: Path) -> None:
    """Measure the same on PostgreSQL, whose own processor time is counted with ours."""
    pid = int((server.files() / "postmaster.pid").read_text().split()[0])
    for machines in _MACHINES:
        url = server.create("bench")
        with _servers(portal_url, folder, count=machines, DATABASE_URL=url) as servers:
            for people in _PEOPLE:
                what = f"PostgreSQL, {_named(machines, 'machine')}, {people} people"
                _row(what, servers, people, beside=pid)
    for rows in _ROWS:
        url = server.create("bench")
        deliver(Database(url), rows)
        with _servers(portal_url, folder, DATABASE_URL=url) as servers:
            what = f"PostgreSQL, {rows:,} rows, {_ROWS_PEOPLE} people"
            _row(what, servers, _ROWS_PEOPLE, beside=pid)


@contextlib.contextmanager
def _servers(
    portal_url: str, folder: Path, *, count: int = 1, **settings: str
) -> Iterator[Sequence[Program]]:
    """Run so many servers, as on so many machines."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(run_app(portal_url, folder, **settings)) for _ in range(count)]


def _named(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count > 1)}"


def _row(what: str, servers: Sequence[Program], people: int, *, beside: int | None = None) -> None:
    """Let people be at all of the servers at the same time, and print a line."""
    loads = []
    for number, (server, share) in enumerate(
        zip(servers, _shares(people, len(servers)), strict=True)
    ):
        if share:
            counted = beside if number == 0 else None  # once
            loads.append(trips(OPERATOR, server, people=share, seconds=_SECONDS, beside=counted))
    table.trips_row(what, table.together([load.figures() for load in loads]))


def _shares(people: int, machines: int) -> list[int]:
    return [len(range(number, people, machines)) for number in range(machines)]
