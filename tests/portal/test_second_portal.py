"""Delivery in front of another portal: nothing in it depends on AmootSMS."""

from __future__ import annotations

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
from webapp.outbox.sender import LABELS_UNKNOWN, AcceptedLengths, Sender
from webapp.outbox.submit import Intake, Result, submission_key
from webapp.phonebook import LabelList
from webapp.portal.base import (
    MethodNotAllowed,
    PortalError,
    Refused,
    Rejected,
    SlowDown,
    TimedOut,
    Uncertain,
    Unreachable,
)

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


def test_lost_call_is_looked_up_and_sent_again(
    intake: Intake, outbox: Outbox, book: AddressBook, state: Callable[[], tuple[State, str]]
) -> None:
    """The portal had not stored it; the same values with other labels are another contact."""
    book.contacts = [Contact(**{**CONTACT.values, "Labels": ()})]
    book.failures = [(Uncertain("Cut"), False)]
    intake.submit(CONTACT, KEY, form="contact")
    send_again(intake, outbox)
    assert state()[0] is State.DELIVERED
    assert book.contacts[1:] == [CONTACT]


def test_labels_that_cannot_be_compared_are_named_in_the_row(
    intake: Intake, outbox: Outbox, book: AddressBook, state: Callable[[], tuple[State, str]]
) -> None:
    """The contact counts as found."""
    book.failures = [(Uncertain("Cut"), True)]
    book.label_error = MethodNotAllowed("NoSearch")
    intake.submit(CONTACT, KEY, form="contact")
    send_again(intake, outbox)
    assert state() == (State.DELIVERED, LABELS_UNKNOWN)


def test_submission_whose_lookup_is_not_allowed_is_sent_again_without_it(
    intake: Intake, outbox: Outbox, book: AddressBook, state: Callable[[], tuple[State, str]]
) -> None:
    """Never lost comes before never twice."""
    book.failures = [(Uncertain("Cut"), True)]
    book.search_error = MethodNotAllowed("NoSearch")
    intake.submit(CONTACT, KEY, form="contact")
    send_again(intake, outbox)
    assert state()[0] is State.QUEUED
    send_again(intake, outbox)
    assert state()[0] is State.DELIVERED
    assert book.contacts == [CONTACT, CONTACT]


def test_labels_of_its_contacts_are_known(book: AddressBook, intake: Intake) -> None:
    """Most used first."""
    book.contacts = [Contact(Labels=labels) for labels in (("کم",), ("زیاد",), ("زیاد",))]
    labels = LabelList(book, intake.sender._breaker, interval_s=300)  # noqa: SLF001
    labels.refresh()
    assert labels.known().names == ("زیاد", "کم")
