"""Connections to PostgreSQL: how many there are, and through PgBouncer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from counted import CountedOutbox as Outbox
from servers import PgBouncerServer, PostgresServer
from sqlalchemy import text

from webapp.contact import Contact
from webapp.database import Database, DatabaseError
from webapp.database import engine as engine_module
from webapp.database.engine import Connections
from webapp.outbox.rows import Timing
from webapp.persian import today

TIMING = Timing(deadline=timedelta(seconds=5), settle=timedelta(minutes=2))
# psycopg prepares a statement that runs for the sixth time.
TIMES = 8


def use(database: Database, name: str = "ab") -> None:
    """Run the statements of a submission's life, each several times."""
    outbox = Outbox(database, TIMING)
    for number in range(TIMES):
        key = f"{name}{number:02x}" * 16
        outbox.add(Contact(Mobile="09121234567"), key, form="news", send=False)
        outbox.find(key)
        for submission in outbox.claim(1):
            outbox.deliver(submission, number)
        outbox.requeue_expired_leases()
        outbox.statistics.count_settled()


def delivered(database: Database) -> int:
    """Return how many submissions were delivered."""
    counts = Outbox(database, TIMING).statistics.counts(today() - timedelta(days=1), today())
    return sum(one.count for one in counts if one.outcome == "delivered")


def test_process_opens_no_more_connections_than_the_setting_says(
    postgres: PostgresServer, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever needs another one waits, and is told if it takes too long."""
    monkeypatch.setattr(engine_module, "LOCK_TIMEOUT_S", 0.1)
    url = postgres.create("pool", template=migrated)
    database = Database(url, connections=Connections(most=2))
    with database.read() as first, database.read():
        with pytest.raises(DatabaseError, match="TimeoutError"), database.read():
            pass
        mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert first.execute(text(mine)).scalar() == 2
    use(database)


def test_outbox_works_with_as_few_connections_as_the_setting_allows(
    postgres: PostgresServer, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread keeps one while it waits for a second: that would be for ever."""
    monkeypatch.setattr(engine_module, "LOCK_TIMEOUT_S", 60)
    url = postgres.create("pool", template=migrated)
    database = Database(url, connections=Connections(most=2))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: use(database, f"{number:02x}"), range(8)))
    assert delivered(database) == 8 * TIMES


def test_url_may_say_when_statements_are_prepared(postgres: PostgresServer, migrated: str) -> None:
    """The driver needs a number, and a URL has but texts."""
    url = postgres.create("threshold", template=migrated)
    for number, threshold in enumerate((0, 5)):
        database = Database(f"{url}?prepare_threshold={threshold}")
        use(database, f"a{number}")
        assert delivered(database) == (number + 1) * TIMES


@pytest.fixture
def bouncer(postgres: PostgresServer, tmp_path: Path) -> Iterator[PgBouncerServer]:
    """Run PgBouncer in transaction mode, before a database without tables."""
    postgres.create("bounced")
    server = PgBouncerServer(tmp_path, postgres)
    yield server
    server.close()


@pytest.mark.nightly
def test_pgbouncer_in_transaction_mode_is_named_and_works_with_the_switch(
    bouncer: PgBouncerServer, postgres: PostgresServer
) -> None:
    """From the tables on; many clients share two connections, and the time limits hold."""
    url = bouncer.url("bounced")
    with pytest.raises(DatabaseError, match=r"08P01: .*DATABASE_PREPARED=off"):
        Database(url).check_writable()
    databases = [Database(url, connections=Connections(prepared=False)) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: use(databases[number], f"b{number}"), range(4)))
    assert delivered(databases[0]) == 4 * TIMES
    for name, value in (("statement_timeout", "5s"), ("lock_timeout", "2s"), ("jit", "off")):
        with databases[0].read() as connection:
            assert connection.execute(text(f"SHOW {name}")).scalar() == value
        direct = Database(postgres.url("bounced"))
        with direct.write() as connection:
            assert connection.execute(text(f"SHOW {name}")).scalar() == value
