"""Delivery in front of another portal: nothing in it depends on AmootSMS."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from address_book import AddressBook

from webapp.contact import Contact
from webapp.database import Database
from webapp.outbox import Outbox
from webapp.outbox import sender as sender_module
from webapp.outbox.circuit_breaker import CircuitBreaker, Permits
from webapp.outbox.rows import State, Timing
from webapp.outbox.sender import AcceptedLengths, Sender
from webapp.outbox.submit import Intake, Result, submission_key
from webapp.portal import PortalError, Refused, Rejected, SlowDown, TimedOut, Uncertain, Unreachable

CONTACT = Contact(Mobile="09121234567", FName="سارا", Labels=("ویژه",))
KEY = submission_key("nonce", CONTACT)


def rejection(*fields: str) -> Rejected:
    """Return a rejection that names these fields."""
    error = Rejected("Bad")
    error.fields = fields
    return error


@pytest.fixture
def book() -> AddressBook:
    """Return an empty address book."""
    return AddressBook()


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """Return an empty outbox; what is uncertain is looked up at once."""
    timing = Timing(deadline=timedelta(seconds=5), settle=timedelta(0))
    return Outbox(Database(f"sqlite:///{tmp_path}/outbox.sqlite3"), timing)


@pytest.fixture
def intake(book: AddressBook, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> Intake:
    """Return the intake of submissions in front of the address book; retries are due at once."""
    monkeypatch.setattr(sender_module, "_FIRST_BACKOFF_S", 0)
    timing = Timing(deadline=timedelta(seconds=5), settle=timedelta(0))
    database = outbox._database  # noqa: SLF001  one database for all
    breaker = CircuitBreaker(database)
    sender = Sender(book, outbox, breaker, timing, AcceptedLengths(database))
    return Intake(sender, outbox, breaker, timing, permits=Permits(4, max_waiting=4))


@pytest.fixture
def state(outbox: Outbox) -> Callable[[], tuple[State, str]]:
    """Return a function that tells the state and the status of the submission."""

    def read() -> tuple[State, str]:
        submission = outbox.find(KEY)
        assert submission
        return submission.state, submission.status

    return read


def send_again(intake: Intake, outbox: Outbox) -> None:
    """Attempt the submission once more, as the worker does."""
    submission = next(iter(outbox.claim(1)))
    intake.sender.attempt(submission)


def test_contact_is_delivered_once_however_often_it_is_submitted(
    intake: Intake, book: AddressBook
) -> None:
    """A double click is one submission."""
    results = [intake.submit(CONTACT, KEY, form="contact").result for _ in range(2)]
    assert results == [Result.DELIVERED] * 2
    assert book.contacts == [CONTACT]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (rejection("Mobile"), Result.REJECTED),
        (rejection(), Result.QUEUED),
        (Refused("NoCredit"), Result.QUEUED),
        (Unreachable("NoRoute"), Result.QUEUED),
        (SlowDown(retry_after=1.0), Result.QUEUED),
        (TimedOut(), Result.QUEUED),
    ],
)
def test_failed_call_has_the_outcome_of_its_error(
    intake: Intake, book: AddressBook, error: PortalError, result: Result
) -> None:
    """With the status that the portal gave."""
    book.failures = [(error, False)]
    outcome = intake.submit(CONTACT, KEY, form="contact")
    assert (outcome.result, outcome.status) == (result, error.status)
    assert book.contacts == []


def test_lost_answer_is_looked_up_and_not_sent_again(
    intake: Intake, outbox: Outbox, book: AddressBook, state: Callable[[], tuple[State, str]]
) -> None:
    """The portal had stored it."""
    book.failures = [(Uncertain("Cut"), True)]
    assert intake.submit(CONTACT, KEY, form="contact").result is Result.QUEUED
    send_again(intake, outbox)
    assert state()[0] is State.DELIVERED
    assert book.contacts == [CONTACT]
