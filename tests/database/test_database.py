"""The database: how it is opened, and what happens when it fails."""

import contextlib
import resource
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from once import PRAGMAS
from servers import PostgresServer
from sqlalchemy import create_engine, text
from support import FULL_FORM, Page

from webapp import messages
from webapp.database import Database, DatabaseError, sqlite
from webapp.database.engine import REVISION, metadata
from webapp.demo import Simulator
from webapp.outbox.rows import State
from webapp.services import DeliveryServices
from webapp.web.rendering import EXTENSION


@pytest.fixture(scope="session")
def migrated() -> str:
    """Return the name of a database without tables: migrations are tested here."""
    return "template1"


def opened(url: str) -> Database:
    """Open a store."""
    database = Database(url)
    with database.read():
        return database


def test_tables_are_those_that_the_program_uses(database_url: str) -> None:
    """The steps of the upgrade and the tables of the modules say the same."""
    opened(database_url)
    assert ScriptDirectory("webapp/database/migrations").get_current_head() == REVISION
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_many_open_an_empty_database_at_once(database_url: str) -> None:
    """One makes the tables, and nobody fails."""
    failed: list[Exception] = []

    def open_one() -> None:
        try:
            opened(database_url)
        except DatabaseError as error:
            failed.append(error)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where SQLite's file lies; its folder is not there yet."""
    return tmp_path / "state" / "outbox.sqlite3"


def test_file_is_private(file: Path) -> None:
    """Its folder, too, whatever the umask."""
    opened(f"sqlite:///{file}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_sqlite_keeps_what_it_has_committed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write is on the disk when it is done, and erased ciphertext is overwritten."""
    monkeypatch.setattr(sqlite, "_PRAGMAS", PRAGMAS)
    with opened(f"sqlite:///{file}").read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep every other writer waiting."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextlib.contextmanager
def full(file: Path) -> Iterator[None]:
    """Let no file of this process grow further: to SQLite, a full disk."""
    log = file.with_name(f"{file.name}-wal")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(log.stat().st_size, 1), usual[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", [locked, full])
def test_database_that_fails_records_nothing_and_nobody_is_told_otherwise(
    make_app: Callable[..., Flask],
    portal: Simulator,
    file: Path,
    trouble: Callable[[Path], contextlib.AbstractContextManager[None]],
) -> None:
    """503 in a second or two, everything typed still there, nothing sent; later it works."""
    app = make_app(database_url=f"sqlite:///{file}", amoot_deadline=30)
    page = Page(app.test_client())
    assert page.send(Mobile="09121111111").status_code == 200
    # Filled, so that the next row needs room.
    for number in range(20):
        assert Page(app.test_client()).send(**{**FULL_FORM, "Mobile": f"0912222{number:04}"})
    with trouble(file):
        started = time.monotonic()
        assert page.send(**FULL_FORM).status_code == 503
        assert time.monotonic() - started < 25  # before the portal's deadline
        assert page.html.outcome == "unstored"
        assert messages.UNSTORED in page.html.text(role="alert")
        assert page.html.values["Mobile"] == [FULL_FORM["Mobile"]]
    assert len(portal.contacts) == 21
    assert page.send(**FULL_FORM).status_code == 200
    assert page.html.outcome == "delivered"
    assert len(portal.contacts) == 22


def test_read_only_database_records_nothing(
    make_app: Callable[..., Flask], portal: Simulator, file: Path
) -> None:
    """As above."""
    opened(f"sqlite:///{file}")
    app = make_app(database_url=f"sqlite:///file:{file}?mode=ro&uri=true")
    page = Page(app.test_client())
    assert page.send(Mobile="09121111111").status_code == 503
    assert not portal.requests


@pytest.mark.slow
def test_waiting_writers_are_not_kept_for_ever(file: Path) -> None:
    """However many wait, each is told within its own patience."""
    database = opened(f"sqlite:///{file}")

    def write(_: object) -> float:
        started = time.monotonic()
        with contextlib.suppress(DatabaseError), database.write():
            pass
        return time.monotonic() - started

    with locked(file), ThreadPoolExecutor(16) as threads:
        assert max(threads.map(write, range(16))) < 25  # or it would be 32 seconds


def test_postgresql_that_is_stopped_is_told_and_comes_back(
    make_app: Callable[..., Flask], postgres: PostgresServer, portal: Simulator
) -> None:
    """Open connections break; the next submission after its return finds new ones."""
    app = make_app(database_url=postgres.create("stopped"))
    page = Page(app.test_client())
    assert page.send(Mobile="09121111111").status_code == 200
    postgres.stop("immediate")
    assert page.send(Mobile="09122222222").status_code == 503
    assert page.html.outcome == "unstored"
    postgres.start()
    assert page.send(Mobile="09122222222").status_code == 200
    assert page.html.outcome == "delivered"
    assert len(portal.contacts) == 2


def test_error_of_the_database_quotes_nothing(delivery: DeliveryServices) -> None:
    """Its text would hold the values of the row."""
    with pytest.raises(DatabaseError) as caught, delivery.database.write() as connection:
        connection.execute(text("INSERT INTO outbox (contact) VALUES (:c)"), {"c": "09121234567"})
    assert "0912" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_demo_has_a_database_of_its_own(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """Nothing that waits for the real portal is swallowed by the simulator, nor the other way."""
    real = f"sqlite:///{tmp_path}/real.sqlite3"
    demo: Any = make_app(amoot_token=None, database_url=real)
    demo.extensions[EXTENSION].delivery.outbox.review.count([State.QUEUED], most=1)
    assert not (tmp_path / "real.sqlite3").exists()
    assert (tmp_path / "state" / "demo.sqlite3").exists()
