"""How PostgreSQL runs the outbox's statements when the table is long: by its indexes."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from address_book import AddressBook
from counted import CountedOutbox as Outbox
from servers import PostgresServer
from sqlalchemy import create_engine, event, make_url, text

from webapp.alerts.problems import Problems
from webapp.contact import Contact
from webapp.database import Database
from webapp.database import engine as engine_module
from webapp.database.encryption import Encryption
from webapp.imports.known import KnownNumbers
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.listing import Query
from webapp.outbox.rows import NEEDS_ATTENTION, SUSPECT_STATUSES, WAITING, Timing, reference
from webapp.persian import today
from webapp.phonebook import Duplicates
from webapp.services import Reencryption
from webapp.verification.unverified import Unverified

log = logging.getLogger(__name__)

TIMING = Timing(deadline=timedelta(seconds=5), settle=timedelta(minutes=2))
MOBILE = "09121234567"

# A sequential scan, or one of the primary key from its beginning.
WHOLE_TABLE = re.compile(r"Seq Scan on outbox|using outbox_pkey on outbox.*\n(?!\s+Index Cond)")

# A step of a plan, with the index that it uses.
NODE = re.compile(r"^(?: *-> +)?([A-Z][\w ]*?)(?: on \w+)*(?: \w+)?  \(cost", re.MULTILINE)

# Of all rows 6 % wait after an outage and 4 % need a hand. The delivered ones that are not counted
# yet are at the end of the table.
FILL = """
INSERT INTO outbox (key, form, state, status, contact, mobile_hash, encrypted_with, owner, due,
    give_up_at, uncertain, resent_without_lookup, attempts, unexplained, failed_lookups,
    portal_id, created_at, counted)
SELECT md5(n::text) || md5('k' || n), form, state, '', CASE WHEN has_contact THEN :contact END,
    CASE WHEN has_contact THEN md5('m' || n) END, CASE WHEN has_contact THEN :key_id END,
    NULL, now() + n * interval '1 second',
    now() + interval '3 days', n % 7 = 0, false, 0, 0, 0, CASE WHEN NOT has_contact THEN n END,
    now() - interval '20 days' + n * interval '30 seconds',
    state = 'delivered' AND n <= :rows * (1 - :uncounted)
FROM (SELECT n, CASE WHEN n % 3 = 0 THEN 'news' ELSE 'contact' END AS form,
        CASE WHEN n % 50 < 3 THEN 'queued' WHEN n % 50 = 3 THEN 'held'
             WHEN n % 50 = 4 THEN 'rejected' ELSE 'delivered' END AS state,
        n % 50 < 5 AS has_contact
      FROM generate_series(1, :rows) AS n) AS numbered
"""


@pytest.fixture(
    scope="module",
    params=[
        (50_000, 0.1),
        pytest.param((1_000_000, 0.03), marks=pytest.mark.nightly),
        pytest.param((1_000_000, 0.3), marks=pytest.mark.nightly),
    ],
    ids=lambda it: f"{it[0]} rows, {it[1]:.0%} uncounted",
)
def database(
    request: pytest.FixtureRequest, postgres: PostgresServer, migrated: str
) -> Iterator[Database]:
    """Return a database with a long table, of which PostgreSQL knows the statistics."""
    rows, uncounted = request.param
    url = postgres.create("long", template=migrated)
    engine = create_engine(url)
    values = {"rows": rows, "uncounted": uncounted, "contact": "ciphertext"}
    values["key_id"] = Encryption(("new",)).key_ids[0]
    with engine.begin() as connection:
        connection.execute(text(FILL), values)
        connection.execute(text("ANALYZE"))
    engine.dispose()
    with pytest.MonkeyPatch.context() as patch:
        # However busy the machine is: the plans are the matter.
        patch.setitem(engine_module._SESSION, "statement_timeout", "0")  # noqa: SLF001
        yield Database(url, secret_keys=("new", "old"))
    postgres.execute("DROP DATABASE long WITH (FORCE)")


@pytest.fixture
def outbox(database: Database) -> Outbox:
    """Return the outbox in it."""
    return Outbox(database, TIMING)


class Plans:
    """The plans of the statements that were run, other than INSERTs."""

    def __init__(self, database: Database) -> None:
        """Watch this database."""
        self._url = make_url(str(database._url))  # noqa: SLF001
        self._engine = database._open()  # noqa: SLF001
        self._found: list[tuple[str, Any]] = []

    def of(self, work: Callable[[], object]) -> list[str]:
        """Run a function; return the plan of each of its statements."""
        self._found.clear()
        event.listen(self._engine, "before_cursor_execute", self._note)
        try:
            work()
        finally:
            event.remove(self._engine, "before_cursor_execute", self._note)
        return [self._explain(*found) for found in self._found]

    def _note(self, *call: Any) -> None:
        statement, parameters = call[2:4]
        if re.match("SELECT|UPDATE|DELETE|WITH", statement):
            rows = parameters if isinstance(parameters, list) else [parameters]
            self._found += [(statement, row) for row in rows[:1]]

    def _explain(self, statement: str, parameters: Any) -> str:
        address = {"host": self._url.host, "port": self._url.port, "user": self._url.username}
        with psycopg.connect(**address, dbname=self._url.database) as connection:
            rows = connection.execute(
                f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", parameters
            ).fetchall()
            connection.rollback()  # it was executed
        return "\n".join(row[0] for row in rows)


def test_frequent_statements_read_no_long_table_from_its_beginning(
    database: Database, outbox: Outbox
) -> None:
    """With a million rows, each of those sequential scans takes a third of a second."""
    plans = Plans(database)
    contact, key = Contact(Mobile="09129999999"), "cd" * 32
    added, _ = outbox.add(contact, key, form="news", send=True)
    breaker = CircuitBreaker(database)
    duplicates = Duplicates(AddressBook(), outbox, breaker)
    problems = Problems(database, breaker)
    reencryption = Reencryption(database)
    review, statistics = outbox.review, outbox.statistics
    statements: dict[str, Callable[[], object]] = {
        "add": lambda: outbox.add(contact, key, form="news", send=False),
        "find": lambda: outbox.find(key),
        "claim": lambda: outbox.claim(4),
        "claim for a probe": lambda: outbox.claim(1, probe=True),
        "requeue expired leases": outbox.requeue_expired_leases,
        "postpone": lambda: outbox.postpone(added, timedelta(0), failed=True),
        "deliver": lambda: outbox.deliver(added, 7),
        "count what was delivered": statistics.count_delivered,
        "count what has settled": statistics.count_settled,
        "re-encrypt": reencryption.rewrite,
        "count unreadable": reencryption.count_unreadable,
        "known numbers of imports": lambda: KnownNumbers(database).find("contact", [MOBILE]),
        "purge": outbox.purge,
        "purge unverified": Unverified(database, TIMING).purge,
        "known numbers": lambda: duplicates.with_mobile(MOBILE),
        "delivered as": lambda: outbox.delivered_as([1, 2, 3]),
        "get": lambda: review.get(reference(key)),
        "search by number": lambda: outbox.listing.count(Query(text=MOBILE)),
        "search by reference": lambda: outbox.listing.count(Query(text=reference(key))),
        "waiting count": lambda: review.count(WAITING, most=10_000),
        "attention count": lambda: review.count(NEEDS_ATTENTION, most=99),
        "count without suspects": lambda: review.count(
            NEEDS_ATTENTION, most=99, but=SUSPECT_STATUSES
        ),
        "oldest": review.oldest,
        "statistics are behind": statistics.is_behind,
        "statistics": lambda: statistics.counts(
            today() - timedelta(days=30), today(), live=not statistics.is_behind()
        ),
        "problems": lambda: problems.read(queue_was_told=False),
    }
    found = {name: plans.of(work) for name, work in statements.items()}
    assert all(found.values()), json.dumps(found, indent=1)
    for name, some in found.items():  # shown with --log-cli-level=info
        for plan in some:
            took = "".join(re.findall(r"Execution Time: (.*)", plan))
            log.info("%s: %s: %s", name, took, ", ".join(dict.fromkeys(NODE.findall(plan))))
    scanned = {
        name: plan for name, some in found.items() for plan in some if WHOLE_TABLE.search(plan)
    }
    assert not scanned, "\n\n".join(f"{name}:\n{plan}" for name, plan in scanned.items())
