"""A portal that asks to slow down: HTTP 429, and 503 with Retry-After, pause the whole queue."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from flask import Flask
from sqlalchemy import text
from support import TOKEN, Page, deliver_all
from tables import each

from webapp.contact import Contact
from webapp.database import Database
from webapp.demo import Simulator
from webapp.demo.faults import Fault, SimulatedAnswer
from webapp.messages.alerts import STATUS_MESSAGES
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import State
from webapp.outbox.submit import Result
from webapp.portal import SLOW_DOWN, SlowDown, TimedOut
from webapp.portal.answers import parse_retry_after
from webapp.services import DeliveryServices
from webapp.settings import Settings
from webapp.web.rendering import EXTENSION

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
CONTACT = Contact(Mobile="09121234567", FName="علی")
KEYS = [f"{number:02x}" * 32 for number in range(4)]
LEASE = timedelta(seconds=30)


@pytest.fixture
def delivery(make_app: Callable[..., Flask], database_url: str) -> DeliveryServices:
    """Deliver to the simulator, on either database; what is uncertain settles at once."""
    app = make_app(database_url=database_url, amoot_settle=0)
    found: DeliveryServices = app.extensions[EXTENSION].delivery
    found.database.check_writable()
    return found


def pause_seconds(database: Database) -> float:
    """Return how long after its beginning a pause ends."""
    with database.read() as connection:
        row = connection.execute(text("SELECT probe_at, since FROM breaker")).one()
    end, since = (datetime.fromisoformat(str(moment)) for moment in row)
    return (end - since).total_seconds()


@each(
    ("header", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("0", 1),
        ("86400", 900),
        ("9" * 400, 900),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 1),
        (format_datetime(NOW + timedelta(days=1), usegmt=True), 900),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("۳۰", None),
    ],
)
def test_retry_after_header_is_read_within_bounds(header: str, seconds: float | None) -> None:
    """Either form; at least a second, at most a quarter of an hour."""
    assert parse_retry_after(header, now=NOW) == seconds


@pytest.mark.parametrize("status", [429, 503])
def test_submission_told_to_slow_down_pauses_queue_and_uses_no_attempt(
    delivery: DeliveryServices, portal: Simulator, status: int
) -> None:
    """It was not applied: nothing is uncertain, and the next one is not even tried."""
    portal.answer(SimulatedAnswer(b"", status, retry_after="60"))
    outcome = delivery.intake.submit(CONTACT, KEYS[0], form="contact")
    assert (outcome.result, outcome.status) == (Result.QUEUED, SLOW_DOWN)
    submission = delivery.outbox.find(KEYS[0])
    assert submission is not None
    assert (submission.state, submission.attempts, submission.uncertain) == (State.QUEUED, 0, False)
    other = delivery.intake.submit(CONTACT, KEYS[1], form="contact")
    assert (other.result, other.status) == (Result.QUEUED, SLOW_DOWN)
    assert len(portal.requests) == 1
    assert 59 < pause_seconds(delivery.database) < 62


def test_503_without_retry_after_stays_uncertain(
    delivery: DeliveryServices, portal: Simulator
) -> None:
    """A gateway may say so of a call that was applied."""
    portal.answer(SimulatedAnswer(b"", 503))
    delivery.intake.submit(CONTACT, KEYS[0], form="contact")
    submission = delivery.outbox.find(KEYS[0])
    assert submission is not None
    assert submission.uncertain
    assert delivery.breaker.read_pause() is None


def test_lookup_told_to_slow_down_pauses_and_does_not_count(
    delivery: DeliveryServices, portal: Simulator
) -> None:
    """The contact is looked up again after the pause."""
    delivery.outbox.add(CONTACT, KEYS[0], form="contact", send=False)
    (submission,) = delivery.outbox.claim(1)
    delivery.outbox.postpone(submission, timedelta(0), uncertain=True)
    portal.answer(SimulatedAnswer(b"", 429, retry_after="60"))
    (submission,) = delivery.outbox.claim(1)
    assert isinstance(delivery.sender.attempt(submission), SlowDown)
    found = delivery.outbox.find(KEYS[0])
    assert found is not None
    assert (found.failed_lookups, found.attempts, found.resent_without_lookup) == (0, 0, False)
    assert delivery.breaker.read_pause() is not None


def test_pause_without_header_grows_to_a_quarter_of_an_hour(delivery: DeliveryServices) -> None:
    """From five seconds, doubled by each probe; the row remembers it for all processes."""
    delivery.breaker.failed(SlowDown())
    assert 4 < pause_seconds(delivery.database) < 6
    pauses = []
    for _ in range(9):
        CircuitBreaker(delivery.database).probe_failed(SlowDown())
        pauses.append(pause_seconds(delivery.database))
    assert pauses == sorted(pauses)
    assert 9 < pauses[0] < 14
    assert 895 < pauses[-1] < 910


def test_slow_down_prolongs_another_pause(delivery: DeliveryServices) -> None:
    """A longer pause is never cut short."""
    delivery.breaker.failed(TimedOut())
    delivery.breaker.failed(SlowDown(retry_after=60))
    delivery.breaker.failed(SlowDown(retry_after=5))
    assert delivery.breaker.pause is not None
    assert delivery.breaker.pause.status == SLOW_DOWN
    assert 59 < pause_seconds(delivery.database) < 65


def test_success_of_earlier_call_or_operator_does_not_end_pause(delivery: DeliveryServices) -> None:
    """Calls under way say nothing of it, and a person cannot mend it."""
    delivery.breaker.failed(SlowDown(retry_after=60))
    delivery.breaker.succeeded()
    delivery.breaker.probe_now()
    assert delivery.breaker.read_pause() is not None
    assert not delivery.breaker.take_probe(LEASE)


def test_restart_in_the_middle_of_a_pause_keeps_it(
    delivery: DeliveryServices, settings: Settings, portal: Simulator, database_url: str
) -> None:
    """The pause stands in the database."""
    delivery.breaker.failed(SlowDown(retry_after=60))
    fresh = DeliveryServices.build(
        replace(settings, database_url=database_url), portal_url=portal.url, token=TOKEN
    )
    outcome = fresh.intake.submit(CONTACT, KEYS[0], form="contact")
    assert (outcome.result, outcome.status) == (Result.QUEUED, SLOW_DOWN)
    assert not portal.requests


def test_operator_reads_that_the_portal_asks_to_slow_down(page: Page, portal: Simulator) -> None:
    """On the form and on the outbox; the metrics name it, too."""
    portal.answer(SimulatedAnswer(b"", 429, retry_after="60"))
    page.send(Mobile="09121234567")
    assert page.html.outcome == "queued"
    message = STATUS_MESSAGES[SLOW_DOWN]
    for path in ("/", "/outbox"):
        assert message in Page(page.client, path).html.text(data_pause=SLOW_DOWN)
    metrics = page.client.get("/metrics").text
    assert 'portal_calls_total{method="ContactCreate",status="SlowDown"} 1.0' in metrics
    assert 'queue_paused{reason="SlowDown"} 1.0' in metrics
    assert 30 < float(metrics.split("\namoot_form_queue_probe_seconds ")[1].split()[0]) <= 60


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [Fault.HTTP_429_SECONDS, Fault.HTTP_429_DATE, Fault.HTTP_503_SECONDS, Fault.HTTP_503_DATE],
)
def test_worker_waits_out_the_pause_and_then_sends_each_contact_once(
    delivery: DeliveryServices, portal: Simulator, fault: Fault
) -> None:
    """No call within the pause, then a probe, then everything."""
    portal.answer(fault)
    for key in KEYS:
        delivery.intake.submit(CONTACT, key, form="contact")
    deliver_all(delivery)
    assert len(portal.contacts) == len(KEYS)
    paths = [request.path.removeprefix("/rest/") for request in portal.requests]
    assert paths == ["ContactCreate", "AccountStatus", *["ContactCreate"] * len(KEYS)]
    asked, probed, *_ = (request.at for request in portal.requests)
    assert (probed - asked).total_seconds() > 0.6  # it asked for a second
