"""A PostgreSQL that is another server than before: what waits is looked up before it is sent."""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import pytest
from address_book import AddressBook
from servers import PostgresServer
from sqlalchemy import text

from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox import Outbox
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import Timing
from webapp.outbox.sender import AcceptedLengths, Sender

TIMING = Timing(deadline=timedelta(seconds=20), settle=timedelta(0))
ROWS, DELIVERED = 12, 5


def fill(outbox: Outbox) -> None:
    """Store submissions, each with a number of its own."""
    for number in range(ROWS):
        contact = Contact(Mobile=f"0912000{number:04}")
        outbox.add(contact, f"{number:02x}" * 32, form="news", send=False)


def send(database: Database, outbox: Outbox, book: AddressBook, limit: int) -> int:
    """Claim and send some submissions, as a worker does; return their number."""
    sender = Sender(book, outbox, CircuitBreaker(database), TIMING, AcceptedLengths(database))
    claimed = outbox.claim(limit)
    for submission in claimed:
        sender.attempt(submission)
    return len(claimed)


def until(server: PostgresServer, condition: LiteralString) -> None:
    """Wait until this is true."""
    expires = time.monotonic() + 60
    while not server.execute(condition):
        assert time.monotonic() < expires, condition
        time.sleep(0.02)


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[PostgresServer]:
    """Run a server of its own: the test ends it."""
    (tmp_path / "primary").mkdir()
    server = PostgresServer(tmp_path / "primary")
    server.execute("CREATE DATABASE contacts")
    yield server
    server.close()


@pytest.fixture
def standby(primary: PostgresServer, tmp_path: Path) -> Iterator[PostgresServer]:
    """Run an asynchronous standby of it."""
    (tmp_path / "standby").mkdir()
    server = PostgresServer(tmp_path / "standby", primary=primary)
    yield server
    server.close()


@pytest.mark.slow
def test_lagging_standby_that_is_promoted_doubles_nothing(
    primary: PostgresServer, standby: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What the former primary has delivered last still waits there."""
    hosts = f"host=127.0.0.1,127.0.0.1&port={primary.port},{standby.port}"
    query = f"{hosts}&target_session_attrs=read-write"
    database = Database(f"postgresql+psycopg://postgres@/contacts?{query}")
    outbox, book = Outbox(database, TIMING), AddressBook()
    outbox.failover.check()
    fill(outbox)
    position = primary.execute("SELECT pg_current_wal_lsn()")
    until(standby, f"SELECT pg_last_wal_replay_lsn() >= '{position}'")  # type: ignore[arg-type]
    standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
    standby.execute("SELECT pg_reload_conf()")
    until(standby, "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")
    assert send(database, outbox, book, DELIVERED) == DELIVERED
    primary.stop("immediate")
    standby.execute("SELECT pg_promote()")
    assert send(database, outbox, book, ROWS) == 0
    with caplog.at_level(logging.WARNING):
        outbox.failover.check()
        outbox.failover.check()
    message = "PostgreSQL is another server now: what waits is looked up first"
    assert [record.getMessage() for record in caplog.records].count(message) == 1
    assert send(database, outbox, book, ROWS) == ROWS
    sent = [contact["Mobile"] for contact in book.contacts]
    assert sorted(sent) == [f"0912000{number:04}" for number in range(ROWS)]


def set_server(database: Database, name: str) -> None:
    """Let another server have had the database before."""
    with database.write() as connection:
        connection.execute(text("UPDATE database_state SET server = :it"), {"it": name})


def test_restored_copy_is_looked_up_by_one_of_many_workers(
    postgres: PostgresServer, migrated: str
) -> None:
    """Rows of imports as well; the others claim nothing until it is done."""
    database = Database(postgres.create("restored", template=migrated))
    outbox = Outbox(database, TIMING)
    outbox.failover.check()
    fill(outbox)
    set_server(database, "7/00000001")
    other = Outbox(Database(postgres.url("restored")), TIMING)
    with database.write() as marking:
        marking.execute(text("SELECT * FROM database_state FOR UPDATE"))
        other.failover.check()  # somebody is at it
        assert other.claim(ROWS) == []
    other.failover.check()
    assert [submission.uncertain for submission in outbox.claim(ROWS)] == [True] * ROWS


def test_server_that_fails_while_rows_are_marked_is_still_another_one(
    postgres: PostgresServer, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next check begins again."""
    database = Database(postgres.create("restored", template=migrated))
    outbox = Outbox(database, TIMING)
    fill(outbox)
    set_server(database, "7/00000001")
    monkeypatch.setattr(outbox.review, "mark_uncertain", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        outbox.failover.check()
    assert outbox.claim(ROWS) == []
    monkeypatch.undo()
    outbox.failover.check()
    assert len(outbox.claim(ROWS)) == ROWS


def test_user_who_may_not_ask_for_the_server_is_named_once_and_the_queue_runs(
    postgres: PostgresServer, migrated: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a provider has revoked the function."""
    url = postgres.create("revoked", template=migrated)
    with Database(url).write() as connection:
        connection.execute(text("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"))
        connection.execute(text("DROP ROLE IF EXISTS plain"))
        connection.execute(text("CREATE ROLE plain LOGIN"))
        connection.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO plain"))
        connection.execute(text("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain"))
    outbox = Outbox(Database(url.replace("postgres@", "plain@")), TIMING)
    fill(outbox)
    outbox.failover.check()
    assert len(outbox.claim(ROWS)) == ROWS
    outbox.failover.check()
    told = [record for record in caplog.records if "pg_control_system" in record.getMessage()]
    assert len(told) == 1
    with Database(url).write() as connection:
        connection.execute(text("DROP OWNED BY plain"))
        connection.execute(text("DROP ROLE plain"))


def test_sqlite_file_has_no_server(tmp_path: Path) -> None:
    """A restored copy of it is marked by the command."""
    database = Database(f"sqlite:///{tmp_path}/outbox.sqlite3")
    outbox = Outbox(database, TIMING)
    fill(outbox)
    set_server(database, "7/00000001")
    outbox.failover.check()
    assert [submission.uncertain for submission in outbox.claim(ROWS)] == [False] * ROWS
