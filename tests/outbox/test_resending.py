"""How often a contact is sent when nobody can tell whether the portal has it."""

import secrets
from collections.abc import Callable
from datetime import timedelta

import pytest
from address_book import AddressBook

from webapp.contact import Contact
from webapp.database import Database
from webapp.observability.metrics import Metrics
from webapp.outbox import Outbox
from webapp.outbox import sender as sender_module
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import PERHAPS_RECORDED, State, Submission, Timing
from webapp.outbox.sender import AcceptedLengths, Sender
from webapp.portal import (
    MethodNotAllowed,
    PortalError,
    Refused,
    SlowDown,
    TimedOut,
    Uncertain,
    Unexplained,
    Unreachable,
)

CONTACT = Contact(Mobile="09121234567", FName="سارا")
TIMING = Timing(deadline=timedelta(seconds=5), settle=timedelta(0))
UNREADABLE = Uncertain("UnreadableAnswer")
NO_SEARCH: dict[str, Callable[[], PortalError]] = {
    "not allowed": lambda: MethodNotAllowed("Token_NotAllowMethod"),
    "refused by HTTP": lambda: MethodNotAllowed("HTTP_403"),
    "unreadable": lambda: Uncertain("UnreadableAnswer"),
    "failed": lambda: Unexplained("Failed"),
    "never in time": TimedOut,
}


class Desk:
    """An outbox in front of an address book, and a worker that takes one step at a time."""

    def __init__(self, database_url: str) -> None:
        """Begin empty."""
        self.database = Database(database_url)
        self.outbox = Outbox(self.database, TIMING)
        self.key = ""

    def accept(self) -> None:
        """Store a new submission for an empty portal."""
        self.key = secrets.token_hex(32)
        self.outbox.add(CONTACT, self.key, form="news", send=False)
        self.restart(AddressBook())

    def restart(self, book: AddressBook) -> None:
        """Go on as another process would."""
        self.book = book
        breaker, lengths = CircuitBreaker(self.database), AcceptedLengths(self.database)
        self.sender = Sender(book, self.outbox, breaker, TIMING, lengths)

    @property
    def row(self) -> Submission:
        """The submission as it is stored."""
        found = self.outbox.find(self.key)
        assert found
        return found

    def work(self, *, most: int = 60) -> None:
        """Attempt the submission until nothing is due any more, or so many times."""
        for _ in range(most):
            claimed = self.outbox.claim(1)
            if not claimed:
                return
            self.sender.attempt(claimed[0])


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return the desk; retries are due at once."""
    monkeypatch.setattr(sender_module, "_FIRST_BACKOFF_S", 0)
    return Desk(database_url)


def test_contact_without_a_clear_answer_nor_a_usable_search_is_sent_once_more_and_held(
    desk: Desk,
) -> None:
    """Twice is the most; the row says when, and keeps the contact for an operator."""
    for name, search_error in NO_SEARCH.items():
        for unclear in (UNREADABLE, Unexplained("Failed"), Uncertain("HTTP_502"), TimedOut()):
            desk.accept()
            desk.book.search_error = search_error
            desk.book.failures = [(unclear, True)] * 9
            desk.work()
            found = desk.row
            assert len(desk.book.contacts) == 2, (name, unclear)
            assert (found.state, found.status) == (State.HELD, PERHAPS_RECORDED), (name, unclear)
            assert found.contact == CONTACT
            assert found.first_sent_at
            assert found.last_sent_at
            assert found.first_sent_at < found.last_sent_at


def test_held_contact_is_sent_again_only_by_an_operators_decision_about_it(desk: Desk) -> None:
    """Not with all others; and then, again, at most twice."""
    desk.accept()
    desk.book.search_error = NO_SEARCH["not allowed"]
    desk.book.failures = [(UNREADABLE, True)] * 9
    desk.work()
    assert desk.outbox.review.retry() == 0
    assert desk.outbox.review.retry(desk.row.reference) == 1
    desk.work()
    assert len(desk.book.contacts) == 3  # the first two calls are looked up before
    assert desk.row.status == PERHAPS_RECORDED


def test_process_killed_while_it_sends_again_without_a_lookup_does_not_send_a_third_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second call is recorded before it is made."""
    desk.accept()
    desk.book.search_error = NO_SEARCH["not allowed"]
    desk.book.failures = [(UNREADABLE, True)]

    class Killed(BaseException):
        pass

    def die(_: Contact) -> int:
        desk.book.contacts.append(CONTACT)
        raise Killed

    desk.work(most=2)
    monkeypatch.setattr(desk.book, "create_contact", die)
    with pytest.raises(Killed):
        desk.work()
    monkeypatch.undo()
    expired = Timing(deadline=timedelta(days=-1), settle=timedelta(0))
    hasty = Outbox(desk.database, expired)
    with desk.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET due = '2020-01-01 00:00:00'")
    assert hasty.requeue_expired_leases() == 1
    desk.restart(desk.book)
    desk.work()
    assert len(desk.book.contacts) == 2
    assert desk.row.status == PERHAPS_RECORDED


def test_second_call_that_was_certainly_not_made_does_not_count(desk: Desk) -> None:
    """A refusal, a request to slow down or a dead network stores nothing."""
    for error in (Refused("Token_Expired"), SlowDown(), Unreachable("ConnectionFailed")):
        desk.accept()
        desk.book.search_error = NO_SEARCH["not allowed"]
        desk.book.failures = [(UNREADABLE, True), *[(error, False)] * 3]
        desk.work()
        assert desk.row.state is State.DELIVERED, error
        assert len(desk.book.contacts) == 2, error


def test_search_that_works_again_after_the_second_call_ends_the_doubt(desk: Desk) -> None:
    """It finds the contact, or says that neither call stored it."""
    for is_stored in (True, False):
        desk.accept()
        desk.book.search_error = NO_SEARCH["not allowed"]
        desk.book.failures = [(TimedOut(), is_stored)] * 2
        desk.work(most=3)
        assert desk.row.resent_without_lookup
        desk.book.search_error = None
        desk.work()
        assert desk.row.state is State.DELIVERED
        assert len(desk.book.contacts) == (2 if is_stored else 1)


def test_answer_without_a_reason_is_tried_five_times_where_the_search_finds_nothing(
    desk: Desk,
) -> None:
    """Then an operator decides. What cannot be read may be a success, and is sent twice."""
    for error, most in (
        (Uncertain("ServerError"), 5),
        (Unexplained("Failed"), 5),
        (Unexplained("HTTP_400"), 5),
        (Unexplained("Rebuilt"), 5),
        (UNREADABLE, 2),
        (Uncertain("AnswerTooLong"), 2),
        (Uncertain("HTTP_302"), 2),
    ):
        desk.accept()
        calls = desk.book.failures = [(error, False)] * 9
        desk.work()
        assert 9 - len(calls) == most, error
        assert desk.row.state is State.HELD
        assert desk.row.status == (error.status if most > 2 else PERHAPS_RECORDED)


def test_outage_is_no_answer_and_is_waited_out(desk: Desk) -> None:
    """For three days, each time after a look."""
    desk.accept()
    desk.book.failures = [(Uncertain("HTTP_502"), False)] * 20
    desk.work()
    assert desk.row.state is State.DELIVERED


def test_search_that_is_out_of_reach_is_waited_for(desk: Desk) -> None:
    """It says nothing about the contact; nothing is sent meanwhile."""
    desk.accept()
    desk.book.failures = [(TimedOut(), True)]
    desk.book.search_error = lambda: Unreachable("ConnectionFailed")
    desk.work(most=30)
    assert desk.row.state is State.QUEUED
    desk.book.search_error = None
    desk.work()
    assert desk.row.state is State.DELIVERED
    assert len(desk.book.contacts) == 1


def test_second_sending_without_a_lookup_is_counted(desk: Desk) -> None:
    """Once, by its form: a number that grows says that the token may not search."""
    desk.accept()
    desk.book.search_error = NO_SEARCH["not allowed"]
    desk.book.failures = [(UNREADABLE, True)] * 9
    metrics = Metrics(["news"], deadline=5)
    desk.sender = Sender(
        *(desk.book, desk.outbox, CircuitBreaker(desk.database), TIMING),
        AcceptedLengths(desk.database),
        metrics,
    )
    desk.work()
    exposed = metrics.exposition({}).decode()
    assert 'amoot_form_resent_without_lookup_total{form="news"} 1.0' in exposed
