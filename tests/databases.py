"""Databases of former versions, from what their own code has written, as SQL in `tests/data`."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
from servers import PostgresServer
from sqlalchemy import make_url

_DATA = Path(__file__).parent / "data"


def fill_sqlite(file: Path, script: str = "version_1_0_0.sqlite.sql") -> str:
    """Make an SQLite file from a script; return its URL."""
    file.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((_DATA / script).read_text())
    return f"sqlite:///{file}"


def fill_postgresql(server: PostgresServer, name: str) -> str:
    """Make a database of version 1.0.0 on a server; return its URL."""
    url = server.create(name)
    address = make_url(url).set(drivername="postgresql").render_as_string()
    with psycopg.connect(address) as connection:
        connection.execute((_DATA / "version_1_0_0.postgresql.sql").read_bytes())
    return url
