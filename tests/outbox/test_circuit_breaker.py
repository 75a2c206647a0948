"""The breaker: when the queue is paused, who probes, and who hears of it; on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from clock import elapse
from sqlalchemy import text
from support import wait_until

from webapp.database import Database
from webapp.outbox import circuit_breaker as module
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.portal import PortalError, Refused, TimedOut, Uncertain, Unexplained, Unreachable

LEASE = timedelta(seconds=30)


@pytest.fixture
def breaker(database: Database) -> CircuitBreaker:
    """Return a closed breaker."""
    return CircuitBreaker(database)


@pytest.mark.parametrize(
    ("error", "failures", "refused"),
    [
        (Refused("Token_Expired"), 1, True),
        (Unreachable("ConnectionFailed"), 1, False),
        (TimedOut(), 1, False),
        (Uncertain("HTTP_502"), 3, False),
        (Uncertain("ConnectionBroken"), 3, False),
    ],
)
def test_it_opens_when_the_portal_is_known_not_to_take_contacts(
    breaker: CircuitBreaker, error: PortalError, failures: int, *, refused: bool
) -> None:
    """At once where that is certain or costs a whole deadline, else after three in a row."""
    for _ in range(failures):
        assert breaker.pause is None
        breaker.failed(error)
    assert breaker.pause is not None
    assert (breaker.pause.status, breaker.pause.refused) == (error.status, refused)


def test_success_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    """Now and then a call goes wrong."""
    for _ in range(2):
        breaker.failed(Uncertain("HTTP_502"))
        breaker.failed(Uncertain("HTTP_502"))
        breaker.succeeded()
    assert breaker.pause is None


def test_answer_without_a_reason_does_not_pause_the_others(breaker: CircuitBreaker) -> None:
    """It may be that one contact's."""
    for _ in range(9):
        breaker.failed(Unexplained("Failed"))
    assert breaker.pause is None


def test_every_process_hears_of_it_soon(database: Database, breaker: CircuitBreaker) -> None:
    """And of its end."""
    other = CircuitBreaker(database)
    assert other.pause is None
    breaker.failed(Refused("CreditNotEnough"))
    wait_until(lambda: other.pause is not None)
    assert other.pause is not None
    assert other.pause.status == "CreditNotEnough"
    other.succeeded()
    wait_until(lambda: breaker.pause is None)


def test_first_cause_is_told_until_a_probe_finds_another(breaker: CircuitBreaker) -> None:
    """Calls under way that fail afterwards change nothing."""
    breaker.failed(Refused("Token_Expired"))
    breaker.failed(Unreachable("ConnectionFailed"))
    assert breaker.pause is not None
    assert breaker.pause.status == "Token_Expired"
    breaker.probe_failed(Unreachable("ConnectionFailed"))
    assert breaker.pause is not None
    assert (breaker.pause.status, breaker.pause.refused) == ("ConnectionFailed", False)


def test_one_probes_at_a_time(database: Database, breaker: CircuitBreaker) -> None:
    """Of all processes."""
    breaker.failed(Unreachable("ConnectionFailed"))
    assert not breaker.take_probe(LEASE)
    elapse(database, 0.6)
    with ThreadPoolExecutor(8) as threads:
        turns = list(threads.map(lambda _: CircuitBreaker(database).take_probe(LEASE), range(8)))
    assert sorted(turns) == [False] * 7 + [True]


def test_prober_that_died_is_followed_by_another(
    database: Database, breaker: CircuitBreaker
) -> None:
    """When its lease is over."""
    breaker.failed(Unreachable("ConnectionFailed"))
    elapse(database, 0.6)
    assert breaker.take_probe(LEASE)
    assert not breaker.take_probe(LEASE)
    elapse(database, LEASE.total_seconds())
    assert breaker.take_probe(LEASE)


@pytest.mark.parametrize(
    ("error", "longest"), [(Unreachable("ConnectionFailed"), 4), (Refused("Token_Expired"), 60)]
)
def test_probes_come_at_growing_pauses(
    database: Database, breaker: CircuitBreaker, error: PortalError, longest: float
) -> None:
    """Seconds for a portal that is down, up to a minute for what a person must mend."""
    breaker.failed(error)
    pauses = []
    for _ in range(9):
        breaker.probe_failed(error)
        with database.read() as connection:
            now = connection.execute(text("SELECT probe_at, since FROM breaker")).one()
        probe_at, since = (
            module.datetime.fromisoformat(str(moment)) if isinstance(moment, str) else moment
            for moment in now
        )
        pauses.append((probe_at - since).total_seconds())
    assert pauses == sorted(pauses)
    assert longest - 0.1 < pauses[-1] < longest + 5


def test_person_can_hasten_the_probe(breaker: CircuitBreaker) -> None:
    """Who has topped up the account does not wait."""
    breaker.failed(Refused("CreditNotEnough"))
    for _ in range(7):
        breaker.probe_failed(Refused("CreditNotEnough"))
    assert not breaker.take_probe(LEASE)
    breaker.probe_now()
    assert breaker.take_probe(LEASE)


def test_both_ends_are_logged_once(
    database: Database, breaker: CircuitBreaker, caplog: pytest.LogCaptureFixture
) -> None:
    """A line an event, as an error where a person must act."""
    caplog.set_level("INFO", "webapp.outbox.circuit_breaker")
    other = CircuitBreaker(database)
    for one in (breaker, other):
        one.failed(Refused("Token_Expired"))
    for one in (breaker, other):
        one.close()
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("ERROR", "the queue is paused: Token_Expired"),
        ("WARNING", "the queue runs again"),
    ]


def test_without_the_database_the_last_news_stays(tmp_path: Path) -> None:
    """A page is shown all the same."""
    (tmp_path / "file").touch()
    assert CircuitBreaker(Database(f"sqlite:///{tmp_path}/file/x")).pause is None
