"""Requests that wait: for a permit, for the lock of their submission, for another's outcome."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

import pytest
from flask.testing import FlaskClient
from support import Page

from webapp import messages
from webapp.contact import Contact
from webapp.database.sqlite import KeyLocks
from webapp.demo import Simulator
from webapp.forms import tokens
from webapp.outbox.circuit_breaker import Permits
from webapp.outbox.rows import Timing
from webapp.outbox.submit import Intake, Result
from webapp.services import DeliveryServices

CONTACT = Contact(Mobile="09121234567")
KEY = "ab" * 32
PATIENCE_S = 20


class Key(str):
    """A key whose second look-up by a thread waits until another thread is as far.

    Whoever makes a lock looks once whether there is one, and a second time to store it.
    """

    __slots__ = ()
    both = threading.Barrier(2)
    lookups = threading.local()

    def __hash__(self) -> int:
        """Return the hash of the text."""
        self.lookups.count = getattr(self.lookups, "count", 0) + 1
        if self.lookups.count == 2:
            self.both.wait(PATIENCE_S)
        return super().__hash__()


def test_two_threads_that_want_the_lock_of_a_new_key_get_the_same_one() -> None:
    """Else two identical requests are counted at the same time."""
    locks, start = KeyLocks(), threading.Barrier(2)

    def lock_of_key(_: int) -> threading.Lock:
        start.wait(PATIENCE_S)
        return locks[Key(KEY)]

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lock_of_key, range(2))
    assert first is second


def waiting_for_ever(delivery: DeliveryServices, *, max_waiting: int) -> tuple[Intake, Permits]:
    """Return an intake with one permit, in which a request would wait for an hour."""
    permits = Permits(1, max_waiting=max_waiting)
    timing = Timing(deadline=timedelta(hours=1), settle=timedelta(0))
    intake = Intake(delivery.sender, delivery.outbox, delivery.breaker, timing, permits=permits)
    return intake, permits


def test_repeated_request_without_a_permit_does_not_wait_for_the_others_outcome(
    delivery: DeliveryServices,
) -> None:
    """All threads but those that hold or await a permit are for pages."""
    intake, permits = waiting_for_ever(delivery, max_waiting=0)
    first, _ = delivery.outbox.add(CONTACT, KEY, form="signup", send=True)
    assert permits.acquire(timeout=0, may_wait=lambda: False)
    with ThreadPoolExecutor(1) as people:
        repeated = people.submit(intake.outcome, first)
        try:
            assert repeated.result(PATIENCE_S).result is Result.QUEUED
        finally:
            delivery.outbox.deliver(first, 1)


def test_repeated_request_with_a_permit_waits_for_the_others_outcome(
    delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And holds the permit meanwhile."""
    intake, permits = waiting_for_ever(delivery, max_waiting=0)
    first, _ = delivery.outbox.add(CONTACT, KEY, form="signup", send=True)
    waits = threading.Event()
    find = delivery.outbox.find

    def found(key: str) -> Any:
        if not permits.acquire(timeout=0, may_wait=lambda: False):
            waits.set()
        return find(key)

    monkeypatch.setattr(delivery.outbox, "find", found)
    with ThreadPoolExecutor(1) as people:
        repeated = people.submit(intake.outcome, first)
        try:
            assert waits.wait(PATIENCE_S)
            assert not repeated.done()
        finally:
            delivery.outbox.deliver(first, 1)
        assert repeated.result(PATIENCE_S).result is Result.DELIVERED


class Clock(datetime):
    """The clock that form tokens read, which a test sets."""

    ahead = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the time."""
        return super().now(tz) + cls.ahead


@pytest.mark.usefixtures("soon")
def test_form_that_is_sent_at_once_and_waits_for_a_permit_is_too_young_all_the_same(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, portal: Simulator
) -> None:
    """What counts is when it arrived: under load, robots would be let through."""

    def acquire(*_: object, **__: object) -> bool:
        Clock.ahead += timedelta(minutes=1)
        return True

    page = Page(client, "/f/signup")
    monkeypatch.setattr(tokens, "datetime", Clock)
    monkeypatch.setattr(Clock, "ahead", timedelta(0))
    monkeypatch.setattr(Permits, "acquire", acquire)
    assert page.send(Mobile="09121234567", FName="سارا", consent="true").status_code == 422
    assert messages.FORM_TOO_YOUNG in page.html.text("body")
    assert not portal.contacts
