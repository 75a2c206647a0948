"""The database: upgraded without losing a row, and what happens when it fails."""

from __future__ import annotations

import base64
import contextlib
import resource
import sqlite3
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, create_engine, insert, text
from support import FULL_FORM, Page

from webapp import messages
from webapp.contact import Contact
from webapp.delivery.database import Database, DatabaseError
from webapp.delivery.engine import REVISION, metadata
from webapp.delivery.statistics import today
from webapp.delivery.submission import (
    ACCEPTED,
    NEEDS_ATTENTION,
    RETENTION,
    State,
    dump_contact,
)
from webapp.web.views import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from servers import PostgresServer

    from webapp.delivery.services import DeliveryServices
    from webapp.portal.simulator.server import Simulator

CONTACT = Contact(Mobile="09121234567", FName="سارا")


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
    assert ScriptDirectory("webapp/delivery/migrations").get_current_head() == REVISION
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


# As SQLAlchemy made them then.
OLD = """
CREATE TABLE held (reference VARCHAR(16) NOT NULL PRIMARY KEY, form VARCHAR(40) NOT NULL,
    reason VARCHAR(40) NOT NULL, contact TEXT NOT NULL, held_at TIMESTAMP NOT NULL);
CREATE TABLE settled (key VARCHAR(64) NOT NULL PRIMARY KEY, result VARCHAR(16),
    until TIMESTAMP NOT NULL);
CREATE TABLE spent (name VARCHAR(100) NOT NULL PRIMARY KEY, until TIMESTAMP NOT NULL)
"""


def test_database_of_version_0_1_is_upgraded_without_losing_a_row(
    make_app: Callable[..., Flask], database_url: str, portal: Simulator
) -> None:
    """Held contacts come with their references, and what was delivered is not sent again."""
    now = datetime.now(UTC).replace(tzinfo=None)
    known, delivered = "ab" * 32, "cd" * 32
    reference = base64.b32encode(bytes.fromhex(known)[:5]).decode()
    lost = "ABCDEFGH"  # its key was forgotten already
    _fill_old(database_url, reference, lost, {known: "delivered", delivered: "delivered"}, now)
    delivery = make_app(database_url=database_url).extensions[EXTENSION].delivery
    held = delivery.outbox.review.page(NEEDS_ATTENTION)
    assert {submission.reference for submission in held} == {reference, lost}
    assert {submission.contact["FName"] for submission in held} == {"سارا"}
    assert {submission.status for submission in held} == {"honeypot"}
    assert all(submission.due - now <= RETENTION for submission in held)
    for key in (known, delivered):
        outcome = delivery.intake.submit(CONTACT, key, form="contact")
        assert outcome.result == "delivered"
    assert not portal.contacts
    assert delivery.outbox.review.retry(lost) == 1
    assert (
        delivery.used_proofs.consume("nonce", datetime.now(UTC) + timedelta(minutes=1), "other")
        is False
    )


def _fill_old(url: str, known: str, lost: str, settled: dict[str, str], now: datetime) -> None:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).parent.mkdir()
    with engine.begin() as connection:
        for statement in OLD.split(";"):
            connection.execute(text(statement))
        for name in (known, lost):
            connection.execute(
                text("INSERT INTO held VALUES (:r, 'news', 'honeypot', :c, :n)"),
                {"r": name, "c": dump_contact(CONTACT), "n": now},  # as 0.1 wrote it
            )
        for key, result in settled.items():
            connection.execute(
                text("INSERT INTO settled VALUES (:k, :r, :u)"),
                {"k": key, "r": result, "u": now + timedelta(hours=12)},
            )
        connection.execute(text("INSERT INTO settled VALUES ('ef', NULL, :u)"), {"u": now})
        connection.execute(
            text("INSERT INTO spent VALUES ('nonce', :u)"), {"u": now + timedelta(hours=1)}
        )
    engine.dispose()


def test_database_without_operators_is_upgraded_without_losing_a_row(
    make_app: Callable[..., Flask], database_url: str, portal: Simulator
) -> None:
    """Whatever its state; what waits is sent, and nobody's name stands beside it."""
    _make_second(database_url)
    delivery = make_app(database_url=database_url).extensions[EXTENSION].delivery
    kept = {
        submission.key[:2]: submission for submission in delivery.outbox.review.page(tuple(State))
    }
    assert {key: submission.state for key, submission in kept.items()} == {
        "a0": State.QUEUED,
        "a1": State.SENDING,
        "a3": State.REJECTED,
        "a4": State.HELD,
    }
    assert {submission.operator for submission in kept.values()} == {None}
    assert all(submission.contact == CONTACT for submission in kept.values())
    erased = delivery.outbox.find("a2" * 32)
    assert (erased.state, erased.contact, erased.operator) == (State.DELIVERED, None, None)
    counts = delivery.statistics.counts(today() - timedelta(days=1), today())
    assert {str(one.outcome): one.count for one in counts} == {
        "attention": 2,
        "delivered": 1,
        "waiting": 2,
    }
    (waiting,) = delivery.outbox.claim(9)
    delivery.sender.attempt(waiting)
    assert [stored["FName"] for stored in portal.contacts] == ["سارا"]


def _make_second(url: str) -> None:
    """Make a database as the second step left it, with a row in each state."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).parent.mkdir()
    now = datetime.now(UTC).replace(tzinfo=None)
    moments = dict.fromkeys(("created_at", "due", "give_up_at"), now)
    counts = dict.fromkeys(("attempts", "unexplained", "looks"), 0)
    marks = {"status": "", "uncertain": False, "blind": False}
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "webapp.delivery:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        table = Table("outbox", MetaData(), autoload_with=connection)
        assert "operator" not in table.columns
        contact = dump_contact(CONTACT)  # as it was written then
        for number, state in enumerate(ACCEPTED):
            row = {"key": f"a{number}" * 32, "form": "contact", "state": state.value}
            row["contact"] = None if state is State.DELIVERED else contact
            if state is not State.QUEUED:
                moments["due"] = now + timedelta(hours=1)
            connection.execute(insert(table).values(**row, **marks, **counts, **moments))
    engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where SQLite's file lies; its folder is not there yet."""
    return tmp_path / "state" / "outbox.sqlite3"


def test_file_is_private(file: Path) -> None:
    """Its folder, too, whatever the umask."""
    opened(f"sqlite:///{file}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_sqlite_keeps_what_it_has_committed(file: Path) -> None:
    """A write is on the disk when it is done, and what is erased is overwritten."""
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
