"""PostgreSQL's own log, with the settings that `docs/operating.md` gives for the program's user."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from servers import PostgresServer
from sqlalchemy import text

from webapp.contact import Contact
from webapp.database import Database, DatabaseError
from webapp.outbox import Outbox
from webapp.outbox.rows import Timing

TIMING = Timing(deadline=timedelta(seconds=5), settle=timedelta(minutes=2))
MOBILE = "09121234567"
PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
DOCUMENTED = re.findall("^    (ALTER ROLE amoot_form SET .*);$", PAGE, re.MULTILINE)


@pytest.fixture
def url(postgres: PostgresServer, migrated: str) -> Iterator[str]:
    """Return the address of a database that logs each statement, for a user of its own."""
    url = postgres.create("logged", template=migrated)
    postgres.execute("CREATE ROLE amoot_form LOGIN")
    postgres.execute("ALTER DATABASE logged SET log_min_duration_statement = 0")
    postgres.execute("ALTER DATABASE logged OWNER TO amoot_form")
    with Database(url).write() as connection:
        for kind in ("TABLES", "SEQUENCES"):
            grant = f"GRANT ALL ON ALL {kind} IN SCHEMA public TO amoot_form"
            connection.execute(text(grant))
    yield url.replace("postgres@", "amoot_form@")
    postgres.execute("DROP DATABASE logged WITH (FORCE)")
    postgres.execute("DROP ROLE amoot_form")


def logged(postgres: PostgresServer, url: str) -> str:
    """Return what the server logs while a contact is stored, and another one refused."""
    log = postgres._log  # noqa: SLF001
    before = len(log.read_text())
    database = Database(url)
    outbox = Outbox(database, TIMING)
    outbox.add(Contact(Mobile=MOBILE), "ab" * 32, form="news", send=False)
    outbox.review.waiting_for(MOBILE)
    refused = text("INSERT INTO outbox (contact) VALUES (:contact)")
    with pytest.raises(DatabaseError), database.write() as connection:
        connection.execute(refused, {"contact": MOBILE})
    return log.read_text()[before:]


def test_documented_settings_keep_contacts_out_of_postgresqls_log(
    postgres: PostgresServer, url: str
) -> None:
    """Without them a slow statement's parameters and a refused row stand there."""
    assert MOBILE in logged(postgres, url)
    assert len(DOCUMENTED) == 3
    for statement in DOCUMENTED:
        postgres.execute(statement)
    found = logged(postgres, url)
    assert "INSERT INTO outbox" in found
    assert MOBILE not in found
