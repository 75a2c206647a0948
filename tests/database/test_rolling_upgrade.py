"""Two versions that share a database: while one migrates it, and afterwards."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from databases import fill_postgresql
from servers import PostgresServer
from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, select, text
from sqlalchemy.engine.interfaces import ReflectedColumn

from webapp.contact import Contact
from webapp.database import Database, DatabaseError
from webapp.database import engine as engine_module
from webapp.database.engine import OLDEST_REVISION, REVISION, probe
from webapp.observability import RareWarnings
from webapp.outbox import Outbox
from webapp.outbox.rows import Timing
from webapp.statistics import breakdowns, daily_counts

TIMING = Timing(deadline=timedelta(seconds=5), settle=timedelta(minutes=2))
KEY = "ab" * 32


def upgrade(connection: Connection, revision: str) -> None:
    """Run the migrations up to a revision."""
    config = Config()
    config.set_main_option("script_location", "webapp.database:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture
def old(postgres: PostgresServer) -> Iterator[Engine]:
    """Return a former version's database, with the time limits of that version's connections."""
    options = {"options": "-c lock_timeout=2000"}
    engine = create_engine(fill_postgresql(postgres, "former"), connect_args=options)
    yield engine
    engine.dispose()


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_READER_PAUSE_S", 0.05)
    monkeypatch.setattr(engine_module, "_warnings", RareWarnings(engine_module.log))


_WAITING_LOCKS = text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass"
)


def wait_for_lock(engine: Engine) -> None:
    """Wait until somebody waits for a lock of the table."""
    expires = time.monotonic() + 60
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(_WAITING_LOCKS).scalar_one():
            assert time.monotonic() < expires, "nobody waits for a lock"
            time.sleep(0.01)


@pytest.mark.usefixtures("_soon")
def test_migration_that_waits_for_a_reader_does_not_stop_the_former_version(
    old: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It gives up within half a second, and comes again until the reader has ended."""
    monkeypatch.setattr(engine_module, "MIGRATION_TIMEOUT_S", 120)
    url = old.url.render_as_string(hide_password=False)
    new = threading.Thread(target=Database(url).check_writable)
    with caplog.at_level(logging.WARNING), old.connect() as reader:
        reader.execute(text("SELECT count(*) FROM outbox"))  # as pg_dump reads, for minutes
        new.start()
        for _ in range(2):
            wait_for_lock(old)
            with old.begin() as writer:
                writer.execute(text("UPDATE outbox SET status = status"))
        reader.rollback()
        new.join()
    with old.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    assert version == REVISION
    waiting = "waiting to migrate: somebody reads the tables"
    assert [record.getMessage() for record in caplog.records].count(waiting) == 1


@pytest.mark.usefixtures("_soon")
def test_migration_that_a_reader_outlasts_fails_and_the_next_call_goes_on(
    old: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web worker that waited longer within its start would be ended by gunicorn."""
    monkeypatch.setattr(engine_module, "MIGRATION_TIMEOUT_S", 1)
    database = Database(old.url.render_as_string(hide_password=False))
    with old.connect() as reader:
        reader.execute(text("SELECT count(*) FROM outbox"))
        with pytest.raises(DatabaseError, match="55P03"):
            database.check_writable()
    database.check_writable()


def make_newer(url: str, oldest: str) -> None:
    """Make a database as a newer version leaves it, for programs of this revision or newer."""
    Database(url).check_writable()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE database_state SET oldest_revision = :it"), {"it": oldest})
    engine.dispose()


def test_newer_versions_tables_that_this_one_can_use_are_used(database_url: str) -> None:
    """A worker of the former version that dies during an upgrade is started again."""
    make_newer(database_url, REVISION)
    probe(make_url(database_url))
    outbox = Outbox(Database(database_url), TIMING)
    assert outbox.add(Contact(Mobile="09121234567"), KEY, form="news", send=False)[1]
    assert [submission.key for submission in outbox.claim(1)] == [KEY]


def test_newer_versions_tables_that_this_one_cannot_use_stay_unchanged(database_url: str) -> None:
    """What they mean is not known here, and `check` says so as well."""
    make_newer(database_url, "9998")
    for use in (Database(database_url).check_writable, Database(database_url).probe):
        with pytest.raises(DatabaseError, match="WrittenByNewerVersion"):
            use()


def test_tables_are_told_to_be_usable_by_the_oldest_version(database_url: str) -> None:
    """Whoever made them has written it down."""
    with Database(database_url).read() as connection:
        oldest = connection.execute(text("SELECT oldest_revision FROM database_state")).scalar()
    assert oldest == OLDEST_REVISION


def columns(connection: Connection) -> dict[tuple[str, str], ReflectedColumn]:
    """Return the columns of all tables, by the names of both."""
    found = inspect(connection)
    return {
        (table, column["name"]): column
        for table in found.get_table_names()
        for column in found.get_columns(table)
    }


def constraints(connection: Connection) -> set[tuple[str, Any]]:
    """Return what makes a row unique, and the table."""
    found = inspect(connection)
    return {
        (table, tuple(one["column_names"]))
        for table in found.get_table_names()
        for one in (*found.get_unique_constraints(table), *found.get_indexes(table))
        if one.get("unique", True)
    }


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_columns_are_renamed_with_what_they_hold(
    server: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A row of the step before is found with its number of lookups."""
    url = f"sqlite:///{tmp_path}/outbox.sqlite3"
    if server == "postgresql":
        url = request.getfixturevalue("postgres").create("names")
    row = {
        **dict.fromkeys(("form", "state", "status"), "held") | {"key": KEY},
        **dict.fromkeys(("due", "give_up_at", "created_at"), "2026-01-01 00:00:00"),
        **dict.fromkeys(("uncertain", "blind", "counted"), True),
        "attempts": 0,
        "unexplained": 0,
        "looks": 7,
    }
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, "0015")
        names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO outbox ({names}) VALUES ({values})"), row)  # noqa: S608
        upgrade(connection, "head")
        renamed = text("SELECT failed_lookups, resent_without_lookup FROM outbox")
        assert connection.execute(renamed).one() == (7, True)
    engine.dispose()


def test_migrations_since_the_oldest_version_only_add(tmp_path: Path) -> None:
    """What that version reads is there, and what it does not write needs no value."""
    engine = create_engine(f"sqlite:///{tmp_path}/outbox.sqlite3")
    with engine.begin() as connection:
        upgrade(connection, OLDEST_REVISION)
        before, unique = columns(connection), constraints(connection)
        upgrade(connection, "head")
        after, unique_after = columns(connection), constraints(connection)
    tables = {table for table, _ in before}
    assert {name: str(column["type"]) for name, column in before.items()} == {
        name: str(after[name]["type"]) for name in before if name in after
    }
    needed = [
        name
        for name, column in after.items()
        if name not in before and name[0] in tables
        if not column["nullable"] and column["default"] is None
    ]
    assert not needed
    assert {one for one in unique_after if one[0] in tables} == unique
    engine.dispose()


def test_counts_by_source_move_to_the_table_of_all_breakdowns(tmp_path: Path) -> None:
    """A checkout at the revision before has counted them already."""
    engine = create_engine(f"sqlite:///{tmp_path}/outbox.sqlite3")
    with engine.begin() as connection:
        upgrade(connection, "0015")
        for row in (
            "source_counts VALUES ('2026-11-25', 'news', 'poster', 3)",
            "daily_counts VALUES ('2026-11-25', 'news', 'delivered', 3, 1.5)",
        ):
            connection.execute(text(f"INSERT INTO {row}"))
        upgrade(connection, "head")
        day = date(2026, 11, 25)
        assert connection.execute(select(breakdowns.table)).all() == [
            ("source", day, "news", "poster", 3)
        ]
        assert connection.execute(select(daily_counts)).all() == [(day, "news", "delivered", 3)]
    engine.dispose()
