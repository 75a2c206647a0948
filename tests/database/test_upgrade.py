"""Databases of version 1.0.0, made by its own code, are upgraded; older ones are refused."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from databases import fill_postgresql, fill_sqlite
from outbox_entries import TIMING
from servers import PostgresServer
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from webapp.contact import Contact
from webapp.database import Database, DatabaseError
from webapp.imports import Imports
from webapp.imports.tables import DuplicateRows
from webapp.outbox import Outbox
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import NEEDS_ATTENTION, State, load_contact
from webapp.services import Reencryption

NAMES = ("منتظر", "درراه", None, "ردشده", "مشکوک", "شاید")
KEYS = tuple(f"a{number}" * 32 for number in range(len(NAMES)))
TRACES = ("0912000", "912000", "محمدی", "\\u0645\\u062d\\u0645", "@example.ir")


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database of version 1.0.0, with a row in each state."""
    if request.param == "sqlite":
        return fill_sqlite(tmp_path / "state" / "outbox.sqlite3")
    server: PostgresServer = request.getfixturevalue("postgres")
    return fill_postgresql(server, "old")


def content(url: str) -> str:
    """Return all that a database's files hold, or its tables where there is a server."""
    if (parsed := make_url(url)).get_backend_name() == "sqlite":
        files = Path(str(parsed.database)).parent.iterdir()
        return b"".join(file.read_bytes() for file in files).decode(errors="replace")
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = ("outbox", "imports", "import_rows")
        rows = [connection.execute(text(f"SELECT it::text FROM {name} it")) for name in tables]  # noqa: S608  our names
        found = "\n".join(row[0] for result in rows for row in result)
    engine.dispose()
    return found


def traces(url: str) -> list[str]:
    """Return which personal data stand there as plain text."""
    found = content(url)
    return [trace for trace in TRACES if trace in found]


def test_database_of_1_0_0_is_upgraded_without_losing_a_row(old_url: str) -> None:
    """Each row keeps its key and state, its contact is found by its number, and none is plain."""
    database = Database(old_url, secret_keys=("new", "old"))
    outbox = Outbox(database, TIMING)
    rows = [outbox.find(key) for key in KEYS]
    assert [row and row.state for row in rows] == [
        *(State.QUEUED, State.SENDING, State.DELIVERED),
        *(State.REJECTED, State.HELD, State.QUEUED),
    ]
    assert [row and row.contact and row.contact["FName"] for row in rows] == list(NAMES)
    assert [row and (row.status, row.uncertain) for row in rows][3:] == [
        ("Mobile_Invalid", False),
        ("honeypot", False),
        ("ReadTimeout", True),
    ]
    assert outbox.delivered_as([7, 8]) == {7}
    assert [it.key for it in outbox.review.waiting_for("09120000000")] == [KEYS[0]]
    assert [it.key for it in outbox.review.page(NEEDS_ATTENTION)] == [KEYS[3], KEYS[4]]
    assert {it.key for it in outbox.claim(9)} == {KEYS[0], KEYS[5]}
    added, is_new = outbox.add(Contact(Mobile="09129999999"), "ff" * 32, form="x", send=False)
    assert is_new
    assert added.state is State.QUEUED
    assert traces(old_url) == []


def test_process_of_1_0_0_stores_no_plain_text_in_upgraded_tables(old_url: str) -> None:
    """One that was not stopped says "not recorded" to its people: columns have other names.

    Where it does not name them, the table refuses a contact without the id of its key.
    """
    Database(old_url).check_writable()
    engine = create_engine(old_url)
    for blind, looks in (("blind", "looks"), ("resent_without_lookup", "failed_lookups")):
        rest = f"give_up_at, uncertain, {blind}, attempts, unexplained, {looks}, created_at"
        row = (
            f"INSERT INTO outbox (key, form, state, status, contact, due, {rest}) "  # noqa: S608
            f"SELECT 'ee', form, state, status, 'plain', due, {rest} FROM outbox"
            " WHERE portal_id = 7"
        )
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text(row))
    engine.dispose()


def test_revision_before_the_release_is_upgraded_with_its_imports(tmp_path: Path) -> None:
    """A draft keeps its rows and its file's digest, and is sent under the keys that it had."""
    url = fill_sqlite(tmp_path / "state" / "outbox.sqlite3", "revision_0013.sqlite.sql")
    database = Database(url)
    imports = Imports(database, CircuitBreaker(database), TIMING, rate=100)
    with database.read() as connection:
        reference = connection.execute(text("SELECT reference FROM imports")).scalar_one()
    draft = imports.review.get(reference)
    assert draft is not None
    assert (draft.digest, draft.reading.columns) == ("0" * 64, ("Mobile", "FName"))
    (wrong,) = imports.review.wrong_rows(draft.id, limit=9)
    assert wrong.faults == ((0, "x", "Mobile", "نادرست"),)
    ready = imports.review.ready_rows(draft.id, limit=9)
    assert [(it.number, str(load_contact(it.contact)["Mobile"])) for it in ready] == [
        (1, "09120000001"),
        (2, "09120000002"),
    ]
    assert traces(url) == []
    assert imports.start(draft.id, DuplicateRows.FIRST)
    imports.feeder.enqueue_due_rows()
    claimed = {it.key: it.contact for it in Outbox(database, TIMING).claim(9)}
    assert sorted(claimed) == ["a0" * 32, "b1" * 32, "b2" * 32]
    assert all(claimed.values())
    assert Reencryption(database).count_unreadable() == 0


OLDER: dict[str, str] = {
    "0.1": "CREATE TABLE held (reference VARCHAR(16) NOT NULL PRIMARY KEY)",
    "before 1.0.0": "CREATE TABLE outbox (id INTEGER);"
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
    "INSERT INTO alembic_version VALUES ('0002')",
    "unreleased": "CREATE TABLE outbox (id INTEGER);"
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
    "INSERT INTO alembic_version VALUES ('0008')",
}


def test_older_database_stays_unchanged(tmp_path: Path) -> None:
    """What it holds must not be ignored."""
    for number, (name, script) in enumerate(OLDER.items()):
        file = tmp_path / f"{number}.sqlite3"
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(script)
            before: list[Any] = list(connection.iterdump())
        with pytest.raises(DatabaseError, match="WrittenByOlderVersion"):
            Database(f"sqlite:///{file}").check_writable()
        with closing(sqlite3.connect(file)) as connection:
            assert list(connection.iterdump()) == before, name
