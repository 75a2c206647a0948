"""Machines whose clocks differ, and clocks that are set back."""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from support import Page, solved, written

from webapp import database as database_module
from webapp.database import Database
from webapp.demo import Simulator
from webapp.forms.tokens import LIFETIME, InvalidToken, Tokens
from webapp.outbox import circuit_breaker
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.portal import PortalError, Refused, SlowDown, Unreachable
from webapp.services import DeliveryServices
from webapp.web.security import proof_of_work
from webapp.web.security.proof_of_work import CLOCK_SKEW, ProofOfWork, UsedProofs

MOBILE = "09121234567"
LEASE = timedelta(seconds=30)
REAL_TIME = time.time
APART = (-3600.0, -5.0, 5.0, 3600.0)


@contextlib.contextmanager
def clock(seconds: float) -> Iterator[None]:
    """Set the machine's clock so many seconds ahead."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: REAL_TIME() + seconds)
        yield


def test_form_of_a_machine_with_another_clock_is_accepted(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """Whichever clock is ahead; the receipt, which is in the session, is shown as well."""
    for number, seconds in enumerate(APART):
        page = Page(make_app().test_client())
        other = make_app().test_client()
        other._cookies = page.client._cookies  # noqa: SLF001  the same browser
        page.client = other
        with clock(seconds):
            page.send(Mobile=f"0912123450{number}")
            assert page.html.outcome == "delivered", seconds
    assert len(portal.contacts) == len(APART)


def test_proof_is_valid_for_ten_minutes_on_a_machine_with_another_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five minutes ahead or behind: a form that was filled in for nine minutes is accepted."""
    monkeypatch.setattr(proof_of_work, "MAX_HASHES", 50)
    proofs = ProofOfWork(["key"], consume=lambda *_: True)
    skew = CLOCK_SKEW.total_seconds()
    for issuer, verifier in ((0, skew), (-skew, 0), (skew, 0), (0, -skew)):
        with clock(issuer):
            answer = written(solved(proofs.challenge(form="signup")))
        with clock(verifier + 9 * 60):
            assert proofs.is_solved(answer, form="signup", key="one"), (issuer, verifier)
        with clock(verifier + 21 * 60):
            assert not proofs.is_solved(answer, form="signup", key="two"), (issuer, verifier)


def test_used_proof_is_remembered_for_as_long_as_a_machine_accepts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the database's clock, and on a machine whose clock is five minutes behind it."""
    monkeypatch.setattr(proof_of_work, "MAX_HASHES", 50)
    database = Database(f"sqlite:///{tmp_path}/outbox.sqlite3")
    proofs = ProofOfWork(["key"], consume=UsedProofs(database).consume)
    answer, other = (written(solved(proofs.challenge(form="signup"))) for _ in range(2))
    assert proofs.is_solved(answer, form="signup", key="one")
    real_now_plus = database.now_plus
    for minutes in range(1, 26):
        passed = timedelta(minutes=minutes)
        monkeypatch.setattr(
            database, "now_plus", lambda age=timedelta(0), by=passed: real_now_plus(age + by)
        )
        with clock(passed.total_seconds() - CLOCK_SKEW.total_seconds()):
            assert not proofs.is_solved(answer, form="signup", key="two"), minutes
    with clock(9 * 60):
        assert proofs.is_solved(other, form="signup", key="three")


@pytest.mark.usefixtures("soon")
def test_visitor_is_not_too_fast_for_a_machine_with_another_clock(
    make_app: Callable[..., Flask],
) -> None:
    """A page from the future was not filled in by a robot."""
    for seconds in (-3600.0, -300.0, 3600.0):
        page = Page(make_app().test_client(), "/f/signup")
        with clock(seconds):
            page.send(Mobile=MOBILE, consent="true")
        assert page.html.outcome in {"delivered", "queued"}, seconds


def test_token_is_over_when_it_is_further_away_than_its_lifetime() -> None:
    """In both directions."""
    tokens = Tokens(["k"])
    text = tokens.issue("f")
    for seconds in (-LIFETIME.total_seconds() - 5, LIFETIME.total_seconds() + 5):
        with clock(seconds), pytest.raises(InvalidToken) as caught:
            tokens.read(text, form="f")
        assert str(caught.value) == "SignatureExpired"


@contextlib.contextmanager
def database_clock(ahead: timedelta) -> Iterator[None]:
    """Set the clock of an SQLite database ahead, and not that of the rest of the program."""
    future = type("Clock", (datetime,), {"now": staticmethod(lambda tz: datetime.now(tz) + ahead)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database_module, "datetime", future)
        yield


def test_ages_in_the_metrics_are_by_the_clock_of_the_database(
    delivery: DeliveryServices, client: FlaskClient, portal: Simulator
) -> None:
    """The machine that is asked may have another one."""
    portal.close()
    hour = timedelta(hours=1)
    with database_clock(hour):
        Page(client).send(Mobile=MOBILE)
        delivery.breaker.probe_failed(Refused("Token_Expired"))
    with database_clock(hour + timedelta(seconds=100)):
        text = client.get("/metrics").text
        assert delivery.breaker.read_pause()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert 100 <= float(values["amoot_form_queue_oldest_seconds"]) < 160
    assert float(values["amoot_form_queue_probe_seconds"]) == 0


@pytest.mark.parametrize(
    ("error", "bound"),
    [
        (Unreachable("ConnectionFailed"), LEASE),  # a probe under way keeps its lease
        (Refused("Token_Expired"), timedelta(minutes=1)),
        (SlowDown(retry_after=600), timedelta(minutes=15)),
    ],
)
def test_clock_that_was_set_back_delays_a_probe_by_its_bound_at_most(
    database_url: str, error: PortalError, bound: timedelta
) -> None:
    """What lies further ahead was written before the clock was set back."""
    database = Database(database_url)
    breaker = CircuitBreaker(database)
    for ahead, is_due in ((bound - timedelta(seconds=1), False), (bound + LEASE, True)):
        breaker.failed(error)
        with database.write() as connection:
            due = database.now_plus(ahead)
            connection.execute(update(circuit_breaker._breaker).values(probe_at=due))  # noqa: SLF001
        assert breaker.take_probe(LEASE) is is_due, ahead
        breaker.close()
