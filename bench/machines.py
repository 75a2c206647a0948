"""Connections and memory of three machines that share a PostgreSQL and a Redis.

Each machine is a server of its own on loopback, once with as many web workers as this one has
cores, and once with those of 16 cores. The sum that `amoot-form check` prints is
compared with what PostgreSQL lists while operators and visitors submit at all machines.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import threading
from typing import TYPE_CHECKING

import psycopg
import redis
import table
from launch import run_app, run_portal
from load import OPERATOR, VISITOR, trips
from processes import pss_megabytes
from servers import PostgresServer, RedisServer
from serving import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from launch import Program

_MACHINES = 3
_CORES = 16
_PEOPLE = 60  # of each kind, at all machines together
_SECONDS = 10
_SAMPLE_S = 0.1
_MAX_CONNECTIONS = 300
_UNLIMITED = "100000000/minute"
# The rate limits are counted in Redis, and refuse nobody.
_SETTINGS = {
    "RATE_LIMITS": "on",
    **dict.fromkeys(("LIMIT_TOTAL", "LIMIT_FORM", "LIMIT_ADDRESS", "LIMIT_MOBILE"), _UNLIMITED),
}
_SUM = re.compile(r"= ([0-9]+) from this machine")
_BY_STATE = """
SELECT coalesce(state, '-'), count(*) FROM pg_stat_activity
WHERE datname = 'bench' AND backend_type = 'client backend' GROUP BY 1
"""


def measure(folder: Path) -> None:
    """Show both, before and under load."""
    table.title(
        f"{_MACHINES} machines, {_PEOPLE} operators and {_PEOPLE} visitors without a pause, "
        f"{_SECONDS} s, portal of 0 ms (ours)"
    )
    postgres = PostgresServer(folder, max_connections=_MAX_CONNECTIONS)
    shared = RedisServer(folder)
    try:
        with run_portal(0, folder) as portal_url:
            for workers in (os.cpu_count() or 1, _CORES):
                _measure(workers, portal_url, folder, postgres, shared)
    finally:
        shared.kill()
        postgres.close()


def _measure(
    workers: int, portal_url: str, folder: Path, postgres: PostgresServer, shared: RedisServer
) -> None:
    settings = {
        **_SETTINGS,
        "DATABASE_URL": postgres.create("bench"),
        "REDIS_URL": shared.url,
        "WEB_CONCURRENCY": str(workers),
    }
    total = _sum_of_check(portal_url, folder, settings)
    table.line(
        f"WEB_CONCURRENCY={workers}: `check`, of {_MACHINES} machines", str(_MACHINES * total)
    )
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(run_app(portal_url, folder, **settings)) for _ in range(_MACHINES)
        ]
        _show("started", servers, postgres, shared)
        with _peaks(postgres) as peaks:
            loads = [
                trips(plan, server, people=_PEOPLE // _MACHINES, seconds=_SECONDS)
                for server in servers
                for plan in (OPERATOR, VISITOR)
            ]
            figures = table.together([load.figures() for load in loads])
        table.line("trips a second, failed", f"{figures.rate:.0f}", str(figures.failed))
        _show("after the load", servers, postgres, shared)
        table.line("most at a time", str(peaks["all"]), note=_states(peaks))


def _sum_of_check(portal_url: str, folder: Path, settings: Mapping[str, str]) -> int:
    environ = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir(), "AMOOT_URL": portal_url}
    environ |= {"AMOOT_TOKEN": "bench", "SECRET_KEY": "bench" * 8, "STATE_DIRECTORY": str(folder)}
    said = subprocess.run(
        [COMMAND, "check"], env={**environ, **settings}, capture_output=True, text=True, check=True
    ).stdout
    total = _SUM.search(said)
    if total is None:
        raise SystemExit(f"`check` gives no sum: {said}")
    return int(total[1])


@contextlib.contextmanager
def _peaks(postgres: PostgresServer) -> Iterator[dict[str, int]]:
    """Yield the most connections at a time, in all and by state, which the end completes."""
    most: dict[str, int] = {"all": 0}
    ended = threading.Event()

    def watch() -> None:
        with _connect(postgres) as connection:
            while not ended.wait(_SAMPLE_S):
                now = _by_state(connection)
                for state, count in {**now, "all": sum(now.values())}.items():
                    most[state] = max(most.get(state, 0), count)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


def _show(when: str, servers: list[Program], postgres: PostgresServer, shared: RedisServer) -> None:
    """Print memory and connections as they are now."""
    with _connect(postgres) as connection:
        now = _by_state(connection)
    with redis.Redis(port=shared.port) as client:
        clients = len(client.client_list()) - 1
    held = [server.megabytes for server in servers]
    table.line(
        f"{when}: connections to PostgreSQL, to Redis",
        *(str(sum(now.values())), str(clients)),
        note=_states(now),
    )
    pid = int((postgres.files() / "postmaster.pid").read_text().split()[0])
    table.line(
        f"{when}: PSS in MB of each machine; of PostgreSQL",
        *(f"{value:.0f}" for value in (*held, pss_megabytes(pid))),
    )


def _by_state(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute(_BY_STATE).fetchall())


def _states(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{state} {count}" for state, count in counts.items() if state != "all")


def _connect(postgres: PostgresServer) -> psycopg.Connection:
    url = postgres.url().replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)
