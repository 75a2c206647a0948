"""Delivery: stored before it is sent, each submission once; keys, outcomes, what is logged."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from clock import FakeClock, elapse
from flask import Flask
from support import TOKEN, short_deadline, wait_until

from webapp.contact import Contact
from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.demo.faults import RETURN_PROFILES, Fault
from webapp.outbox import Outbox
from webapp.outbox import submit as intake_module
from webapp.outbox.rows import HONEYPOT, NEEDS_ATTENTION, State, Submission
from webapp.outbox.sender import LABELS_UNKNOWN
from webapp.outbox.submit import BUSY, Intake, Outcome, Result, submission_key
from webapp.portal import STATUSES, Refused, Rejected, TimedOut, Uncertain
from webapp.portal.client import AmootPortal
from webapp.services import DeliveryServices
from webapp.web.rendering import EXTENSION

CONTACT = Contact(Mobile="09121234567", FName="علی", BornDate=date(1990, 10, 7), Labels=("ویژه",))
KEY = submission_key("nonce", CONTACT)
LEASE_S = 70  # longer than any


@pytest.fixture
def delivery(make_app: Callable[..., Flask], database_url: str) -> DeliveryServices:
    """Deliver to the simulator, on either database; what is uncertain settles at once."""
    app = make_app(database_url=database_url, amoot_settle=0)
    found: DeliveryServices = app.extensions[EXTENSION].delivery
    found.database.check_writable()  # migrations may outlast a lease
    return found


@pytest.fixture
def intake(delivery: DeliveryServices) -> Intake:
    """Return the delivery of an empty outbox."""
    return delivery.intake


@pytest.fixture
def outbox(delivery: DeliveryServices) -> Outbox:
    """Return its outbox."""
    return delivery.outbox


def submit(intake: Intake, key: str = KEY, contact: Contact = CONTACT) -> Outcome:
    """Submit a contact."""
    return intake.submit(contact, key, form="contact")


def submission(outbox: Outbox, key: str = KEY) -> Submission:
    """Return how an entry stands."""
    found = outbox.find(key)
    assert found is not None
    return found


def again(intake: Intake, outbox: Outbox) -> None:
    """Attempt what is due next, as the worker would."""
    claimed: list[Submission] = []
    wait_until(lambda: bool(claimed.extend(outbox.claim(1)) or claimed))
    # A busy machine may stall for longer than the short lease of these tests.
    intake.sender.attempt(replace(claimed[0], send_by=claimed[0].send_by + 30))


def paths(portal: Simulator) -> list[str]:
    """Return which methods were called."""
    return [request.path.removeprefix("/rest/Contact") for request in portal.requests]


def test_same_form_and_contact_have_the_same_key() -> None:
    """A double click is recognised; a change, or a new page, is a new submission."""
    assert submission_key("nonce", Contact(**CONTACT.values)) == KEY
    assert submission_key("other", CONTACT) != KEY
    assert submission_key("nonce", Contact(**{**CONTACT.values, "FName": "رضا"})) != KEY


@pytest.mark.parametrize(
    ("answer", "result", "state", "uncertain"),
    [
        ("Success", Result.DELIVERED, State.DELIVERED, False),
        ("Mobile_Invalid", Result.REJECTED, State.REJECTED, False),
        ("Token_Invalid", Result.QUEUED, State.QUEUED, False),
        ("Failed", Result.QUEUED, State.QUEUED, True),
        ("ServerError", Result.QUEUED, State.QUEUED, True),
        (Fault.UNKNOWN_STATUS, Result.QUEUED, State.QUEUED, True),
        (Fault.HTML, Result.QUEUED, State.QUEUED, True),
        (Fault.RESET, Result.QUEUED, State.QUEUED, True),
    ],
)
def test_every_answer_has_its_outcome(
    delivery: DeliveryServices,
    portal: Simulator,
    answer: str | Fault,
    result: Result,
    state: State,
    *,
    uncertain: bool,
) -> None:
    """What the page says is what the outbox holds."""
    portal.answer(answer)
    outcome = submit(delivery.intake)
    assert outcome.result is result
    found = submission(delivery.outbox)
    assert (found.state, found.uncertain) == (state, uncertain)
    assert (found.contact is None) is (result is not Result.QUEUED)
    assert submit(delivery.intake) == outcome


@pytest.mark.parametrize("status", STATUSES[Refused].values())
def test_every_refusal_pauses_the_queue_and_costs_the_contact_nothing(
    make_app: Callable[..., Flask], portal: Simulator, status: str
) -> None:
    """The next one is not even tried."""
    delivery: DeliveryServices = make_app().extensions[EXTENSION].delivery
    portal.answer(status)
    assert submit(delivery.intake).status == status
    assert (submission(delivery.outbox).attempts, submission(delivery.outbox).uncertain) == (
        0,
        False,
    )
    other = submit(delivery.intake, "cd" * 32)
    assert (other.result, other.status) == (Result.QUEUED, status)
    assert len(portal.requests) == 1


def test_rejection_of_a_field_that_the_form_shows_is_the_persons_to_correct(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """All others are held for an operator; neither stops anybody else."""
    delivery: DeliveryServices = make_app().extensions[EXTENSION].delivery
    named = {"Mobile_Empty", "Mobile_Invalid", "Mobiles_Empty", "Mobiles_Invalid"}
    for number, status in enumerate(STATUSES[Rejected].values()):
        key = f"{number:02x}" * 32
        portal.answer(status)
        outcome = delivery.intake.submit(CONTACT, key, form="news", shown={"Mobile"})
        found = submission(delivery.outbox, key)
        expected = Result.REJECTED if status in named else Result.QUEUED
        assert (outcome.result, outcome.status) == (expected, status)
        assert outcome.is_held is (status not in named) is (found.state is State.HELD)
        assert (found.contact is None) is (status in named)
        assert outcome.fields == (("Mobile",) if status in named else ())
        assert delivery.intake.submit(CONTACT, key, form="news", shown={"Mobile"}) == outcome
    assert submit(delivery.intake, "cd" * 32).result is Result.DELIVERED


def test_missing_name_is_the_persons_to_correct_where_the_form_asks_for_one(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """At the name that it shows."""
    delivery: DeliveryServices = make_app().extensions[EXTENSION].delivery
    for key, shown, fields in (("ab", {"Mobile", "LName"}, ("LName",)), ("cd", {"Mobile"}, ())):
        portal.answer("FirstNameOrLastName_Empty")
        outcome = delivery.intake.submit(CONTACT, key * 32, form="news", shown=shown)
        assert (outcome.fields, outcome.is_held) == (fields, not fields)


def test_length_is_the_persons_to_correct_if_one_value_is_longer_than_what_was_accepted(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """The portal names no field; several, or none, are left to an operator."""
    delivery: DeliveryServices = make_app().extensions[EXTENSION].delivery
    accepted = Contact(Mobile="09121234567", FName="علی", LName="رضایی", Labels=("ویژه",))
    assert submit(delivery.intake, "ab" * 32, accepted).result is Result.DELIVERED
    for number, (change, fields) in enumerate(
        [
            ({"LName": "رضایی‌نژاد اصل"}, ("LName",)),
            ({"LName": "رضایی‌نژاد اصل", "CityName": "تهران"}, ()),
            ({"Labels": ("ویژهٔ نمایشگاه",)}, ("Labels",)),
            ({"FName": "رضا"}, ()),
        ]
    ):
        portal.answer("Length_Exceeded")
        contact = Contact(**{**accepted.values, **change})
        outcome = submit(delivery.intake, f"{number:02x}" * 32, contact)
        assert (outcome.fields, outcome.is_held) == (fields, not fields), change


def test_it_is_stored_before_the_first_call(
    intake: Intake, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the moment of the call the row is committed, with its owner."""
    seen: list[State] = []
    monkeypatch.setattr(
        AmootPortal, "create_contact", lambda *_: seen.append(submission(outbox).state) or 1
    )
    assert submit(intake).result is Result.DELIVERED
    assert seen == [State.SENDING]


def test_what_cannot_be_stored_is_not_sent(
    intake: Intake, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said that is not true, and nothing is done that is not said."""
    fail = Mock(side_effect=DatabaseError("OperationalError"))
    monkeypatch.setattr(Outbox, "add", fail)
    outcome = submit(intake)
    assert (outcome.result, outcome.status) == (Result.UNSTORED, "StoreFailed")
    assert not portal.requests


def test_database_lost_after_the_call_loses_nothing(
    delivery: DeliveryServices, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal has the contact, and the page says so; the row is settled when it can be."""
    delivery.breaker.pause  # noqa: B018  look before the store is lost
    fail = Mock(side_effect=DatabaseError("OperationalError"))
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "deliver", fail)
        assert submit(delivery.intake).result is Result.DELIVERED
    assert submission(delivery.outbox).state is State.SENDING
    assert delivery.outbox.requeue_expired_leases() == 0
    elapse(delivery.database, LEASE_S)
    assert delivery.outbox.requeue_expired_leases() == 1
    again(delivery.intake, delivery.outbox)
    assert submission(delivery.outbox).state is State.DELIVERED
    assert len(portal.contacts) == 1


def test_same_submission_is_sent_once(intake: Intake, portal: Simulator) -> None:
    """At once, as by a double click, or later, as by a reload: one contact and one answer."""
    with ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(lambda _: submit(intake), range(20)))
    outcomes.append(submit(intake))
    assert len(portal.contacts) == 1
    assert set(outcomes) == {outcomes[0]}
    assert outcomes[0].result is Result.DELIVERED


def test_repeated_submission_under_way_waits_for_its_answer(
    intake: Intake,
    outbox: Outbox,
    portal: Simulator,
    deadline: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As long as a call may last, and no longer: it is stored."""
    outbox.add(CONTACT, KEY, form="contact", send=True)
    clock = FakeClock()
    monkeypatch.setattr(intake_module, "time", clock)
    assert submit(intake).result is Result.QUEUED
    assert deadline <= clock.slept < deadline + 1
    assert not portal.requests


class HeldCalls:
    """A portal that hangs until the test says that the time of a call is over.

    Attributes:
        made: How many calls there were.
        under_way: How many hang.
    """

    def __init__(self, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the sender and its portal."""
        self.made = self.under_way = 0
        self._lock = threading.Lock()
        self._over = threading.Semaphore(0)
        self._permits = delivery.intake._permits  # noqa: SLF001  nothing else shows who waits
        monkeypatch.setattr(AmootPortal, "create_contact", lambda *_: self._hang())

    def __enter__(self) -> None:
        """Let the test run."""

    def __exit__(self, *_: object) -> None:
        """Let whatever hangs go on, if the test has failed."""
        self.time_out(100)

    @property
    def waiting(self) -> int:
        """How many wait for a permit."""
        return len(self._permits._waiting)  # noqa: SLF001  as above

    def time_out(self, count: int) -> None:
        """Let the time of so many calls be over."""
        self._over.release(count)

    def _hang(self) -> None:
        with self._lock:
            self.made += 1
            self.under_way += 1
        self._over.acquire()
        with self._lock:
            self.under_way -= 1
        raise TimedOut


@pytest.mark.slow
def test_submission_without_a_permit_waits_for_one_and_is_delivered(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """A portal that is well says "queued" to nobody: three calls at a time, eight people."""
    delivery: DeliveryServices = make_app(threads=4).extensions[EXTENSION].delivery
    portal.latency = 0.2
    keys = [f"{number:02x}" * 32 for number in range(8)]
    with ThreadPoolExecutor(8) as people:
        outcomes = list(people.map(partial(submit, delivery.intake), keys))
    assert [outcome.result for outcome in outcomes] == [Result.DELIVERED] * 8


def test_submission_beyond_those_who_may_wait_is_stored_and_queued_at_once(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three calls and five who wait are twice the threads; the ninth is not kept waiting."""
    delivery: DeliveryServices = make_app(threads=4).extensions[EXTENSION].delivery
    calls = HeldCalls(delivery, monkeypatch)
    keys = [f"{number:02x}" * 32 for number in range(8)]
    with ThreadPoolExecutor(8) as people, calls:
        waiting = [people.submit(submit, delivery.intake, key) for key in keys]
        wait_until(lambda: calls.under_way == 3 and calls.waiting == 5)
        outcome = submit(delivery.intake)
        assert (outcome.result, outcome.status) == (Result.QUEUED, BUSY)
        assert not any(future.done() for future in waiting)
        calls.time_out(3)
        assert {future.result().result for future in waiting} == {Result.QUEUED}
    assert submission(delivery.outbox).state is State.QUEUED


def test_waiting_submissions_when_the_portal_hangs_are_released_by_the_first_timeout(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are queued while the other calls still hang, and no further call is made."""
    delivery: DeliveryServices = make_app(threads=4).extensions[EXTENSION].delivery
    calls = HeldCalls(delivery, monkeypatch)
    keys = [f"{number:02x}" * 32 for number in range(8)]
    with ThreadPoolExecutor(8) as people, calls:
        futures = [people.submit(submit, delivery.intake, key) for key in keys]
        wait_until(lambda: calls.under_way == 3 and calls.waiting == 5)
        calls.time_out(1)
        wait_until(lambda: sum(future.done() for future in futures) == 6)
        assert calls.under_way == 2
        calls.time_out(2)
        outcomes = [future.result() for future in futures]
    assert [outcome.result for outcome in outcomes] == [Result.QUEUED] * 8
    assert calls.made == 3


@short_deadline
@pytest.mark.slow
def test_while_the_portal_is_down_nobody_waits(
    intake: Intake, outbox: Outbox, portal: Simulator
) -> None:
    """The first waits for the deadline, from then on contacts are stored and answered at once."""
    portal.answer(Fault.SILENT)
    assert submit(intake).status == "Timeout"
    assert submission(outbox).uncertain
    for number in range(10):
        outcome = submit(intake, f"{number:02x}" * 32)
        assert (outcome.result, outcome.status) == (Result.QUEUED, "Timeout")
    assert len(portal.requests) == 1


APPLIED = [fault for fault in Fault if fault.name.startswith("APPLIED_THEN")]


@short_deadline
@pytest.mark.slow
@pytest.mark.parametrize("fault", APPLIED)
def test_what_arrived_after_all_is_found_and_not_sent_again(
    intake: Intake, outbox: Outbox, portal: Simulator, fault: Fault
) -> None:
    """The answer was lost, not the call."""
    portal.answer(fault)
    assert submit(intake).result is Result.QUEUED
    again(intake, outbox)
    assert submit(intake).result is Result.DELIVERED
    assert paths(portal) == ["Create", "Search", "Search"]  # by the number, and by the label
    assert len(portal.contacts) == 1


@pytest.mark.slow
def test_what_did_not_arrive_is_sent_again(
    intake: Intake, outbox: Outbox, portal: Simulator
) -> None:
    """After a look."""
    portal.answer(Fault.RESET)
    submit(intake)
    again(intake, outbox)
    assert submit(intake).result is Result.DELIVERED
    assert paths(portal) == ["Create", "Search", "Create"]
    assert len(portal.contacts) == 1


@pytest.mark.slow
def test_what_was_certainly_not_sent_is_sent_without_a_look(
    intake: Intake, outbox: Outbox, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused connection has delivered nothing."""
    with monkeypatch.context() as patch:
        patch.setattr(
            intake.sender, "_portal", AmootPortal(url="http://127.0.0.1:1", token="t", deadline=1)
        )
        assert submit(intake).status == "ConnectionFailed"
    again(intake, outbox)
    assert paths(portal) == ["Create"]


def test_it_settles_before_it_is_looked_for(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """A portal that applies a call late would make the look lie."""
    delivery: DeliveryServices = make_app(amoot_settle=20).extensions[EXTENSION].delivery
    portal.answer(Fault.APPLIED_LATE)
    submit(delivery.intake)
    assert delivery.outbox.claim(1) == []
    wait_until(lambda: len(portal.contacts) == 1)
    elapse(delivery.database, 20)
    again(delivery.intake, delivery.outbox)
    assert paths(portal) == ["Create", "Search", "Search"]  # by the number, and by the label
    assert len(portal.contacts) == 1


@pytest.mark.slow
@pytest.mark.parametrize("profile", RETURN_PROFILES)
def test_lost_answer_under_each_profile_is_found_and_not_sent_twice(
    intake: Intake, outbox: Outbox, portal: Simulator, profile: str
) -> None:
    """Whatever the portal's documents leave open; a full contact and one with gaps."""
    portal.profile = RETURN_PROFILES[profile]
    full = Contact(
        Mobile="09121234567",
        FName="علی کیانی",
        GenderType=True,
        Email="ali@example.com",
        AddressText="خیابان یکم\nپلاک ۱۲",
        BornDate=date(1990, 10, 7),
        Labels=("ویژه", "مشتری"),
    )
    sparse = Contact(Mobile="09121234568", LName="کاظمی", Labels=("ویژه",))
    for contact in (full, sparse):
        portal.answer(Fault.APPLIED_THEN_RESET)
        key = submission_key("nonce", contact)
        assert submit(intake, key, contact).result is Result.QUEUED
        again(intake, outbox)
        assert submission(outbox, key).state is State.DELIVERED
    assert paths(portal).count("Create") == len(portal.contacts) == 2


@pytest.mark.slow
def test_contact_with_other_labels_is_another_contact(
    intake: Intake, outbox: Outbox, portal: Simulator
) -> None:
    """The portal does not return labels, but finds by them: one call a label."""
    wanted = Contact(**{**CONTACT.values, "Labels": ("ویژه", "مشتری")})
    AmootPortal(url=portal.url, token=TOKEN, deadline=5).create_contact(CONTACT)
    portal.answer(Fault.RESET)
    submit(intake, contact=wanted)
    again(intake, outbox)
    assert paths(portal)[2:] == ["Search", "Search", "Search", "Create"]
    assert [stored["Labels"] for stored in portal.contacts] == [["ویژه"], ["ویژه", "مشتری"]]


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["Token_NotAllowMethod", "ServerError", Fault.RESET])
def test_labels_that_cannot_be_looked_up_are_named_in_the_row(
    intake: Intake, outbox: Outbox, portal: Simulator, answer: str | Fault
) -> None:
    """The contact counts as found by its values."""
    portal.answer(Fault.APPLIED_THEN_RESET)
    submit(intake)
    portal.answer("Success")
    portal.answer(answer)
    again(intake, outbox)
    row = submission(outbox)
    assert (row.state, row.status) == (State.DELIVERED, LABELS_UNKNOWN)
    assert len(portal.contacts) == 1


@pytest.mark.slow
def test_label_search_that_is_asked_to_slow_down_is_repeated_later(
    intake: Intake, outbox: Outbox, portal: Simulator
) -> None:
    """The queue is paused; nothing is counted against the contact."""
    portal.answer(Fault.APPLIED_THEN_RESET)
    submit(intake)
    portal.answer("Success")
    portal.answer(Fault.HTTP_429)
    again(intake, outbox)
    row = submission(outbox)
    assert (row.state, row.status, row.failed_lookups) == (State.QUEUED, "SlowDown", 0)


@pytest.mark.slow
def test_earlier_contact_with_the_same_values_is_not_taken_for_this_one(
    intake: Intake, outbox: Outbox, portal: Simulator
) -> None:
    """Somebody signs up twice, perhaps with another label: both are wanted."""
    submit(intake, "cd" * 32)
    portal.answer(Fault.RESET)
    submit(intake)
    again(intake, outbox)
    assert paths(portal) == ["Create", "Create", "Search", "Create"]
    assert len(portal.contacts) == 2


@pytest.mark.slow
@pytest.mark.parametrize("status", ["Token_NotAllowMethod", "User_NotAllowMethod"])
def test_where_looking_is_not_allowed_it_is_sent_again_and_the_row_says_so(
    delivery: DeliveryServices, intake: Intake, outbox: Outbox, portal: Simulator, status: str
) -> None:
    """Never lost comes before never twice; and the queue goes on."""
    portal.answer(Fault.RESET)
    submit(intake)
    portal.answer(status, 2)
    again(intake, outbox)
    assert submission(outbox).state is State.QUEUED  # it may be a slip
    assert delivery.breaker.read_pause() is None
    again(intake, outbox)
    found = submission(outbox)
    assert (found.state, found.resent_without_lookup) == (State.DELIVERED, True)
    assert len(portal.contacts) == 1


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["Token_Expired", "CreditNotEnough"])
def test_look_that_the_account_prevents_says_nothing_of_looking(
    delivery: DeliveryServices, portal: Simulator, answer: str
) -> None:
    """However often: the queue is paused, and it is looked up when the account is mended."""
    portal.answer(Fault.RESET)
    submit(delivery.intake)
    portal.answer(answer, 12)
    for _ in range(12):
        again(delivery.intake, delivery.outbox)
    assert delivery.breaker.read_pause() is not None
    again(delivery.intake, delivery.outbox)
    found = submission(delivery.outbox)
    assert (found.state, found.resent_without_lookup) == (State.DELIVERED, False)


@pytest.mark.parametrize("answer", [Fault.HTML, Fault.LIST, "ServerError", "Failed"])
def test_search_that_never_works_does_not_block_for_ever(
    intake: Intake, outbox: Outbox, portal: Simulator, answer: str | Fault, monkeypatch: Any
) -> None:
    """After ten looks it is sent without one."""
    monkeypatch.setattr("webapp.outbox.sender._FIRST_BACKOFF_S", 0.01)
    portal.answer(Fault.RESET)
    submit(intake)
    portal.answer(answer, 10)
    for _ in range(10):
        again(intake, outbox)
    assert paths(portal) == ["Create", *["Search"] * 10, "Create"]
    assert (submission(outbox).state, submission(outbox).resent_without_lookup) == (
        State.DELIVERED,
        True,
    )


def test_without_a_reason_it_is_asked_five_times_and_held(
    intake: Intake, outbox: Outbox, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking again will not change it; an operator decides."""
    monkeypatch.setattr("webapp.outbox.sender._FIRST_BACKOFF_S", 0.01)
    portal.mood = lambda request: "Failed" if request.path.endswith("Create") else "Success"
    submit(intake)
    for _ in range(4):
        again(intake, outbox)
    (held,) = outbox.review.page(NEEDS_ATTENTION)
    assert (held.status, held.contact) == ("Failed", CONTACT)
    assert paths(portal).count("Create") == 5
    assert submit(intake).result is Result.QUEUED


def test_pauses_grow_to_a_quarter_of_an_hour(
    intake: Intake, outbox: Outbox, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are spread, so that what failed together is not sent together."""
    pauses: list[float] = []
    postpone = Outbox.postpone

    def note(self: Outbox, submission: Submission, pause: timedelta, **changes: object) -> bool:
        pauses.append(pause.total_seconds())
        return postpone(self, submission, timedelta(0), **changes)

    monkeypatch.setattr(Outbox, "postpone", note)
    portal.mood = lambda request: "Success" if request.path.endswith("Search") else Fault.HTTP_502
    submit(intake)
    for _ in range(14):
        again(intake, outbox)
    for number, pause in enumerate(pauses):
        longest = min(2**number, 900)
        assert longest / 2 <= pause <= longest


@pytest.mark.slow
def test_what_is_rejected_in_the_background_waits_for_the_operator(
    intake: Intake, outbox: Outbox, portal: Simulator
) -> None:
    """The person is gone, and was told that it was received."""
    portal.answer(Fault.RESET)
    submit(intake)
    portal.answer("Success")
    portal.answer("Mobile_Invalid")
    again(intake, outbox)
    (rejected,) = outbox.review.page(NEEDS_ATTENTION)
    assert (rejected.state, rejected.contact) == (State.REJECTED, CONTACT)


def test_process_that_slept_past_its_lease_sends_nothing(
    intake: Intake, outbox: Outbox, portal: Simulator, delivery: DeliveryServices
) -> None:
    """Another may be sending it by now."""
    outbox.add(CONTACT, KEY, form="contact", send=False)
    (claimed,) = outbox.claim(1)
    elapse(delivery.database, LEASE_S)  # as under SIGSTOP
    outbox.requeue_expired_leases()
    error = intake.sender.attempt(replace(claimed, send_by=claimed.send_by - LEASE_S))
    assert isinstance(error, Uncertain)
    assert not portal.requests
    again(intake, outbox)
    assert len(portal.contacts) == 1
    assert delivery.breaker.pause is None


def test_doubtful_contact_is_held_and_answered_like_a_success(
    intake: Intake, outbox: Outbox, portal: Simulator
) -> None:
    """The portal hears nothing of it; the operator finds it by the visitor's reference."""
    outcome = intake.submit(CONTACT, KEY, form="news", suspicion=HONEYPOT)
    assert outcome.result is Result.DELIVERED
    assert outcome == intake.submit(CONTACT, KEY, form="news")
    assert not portal.requests
    assert [held.reference for held in outbox.review.page(NEEDS_ATTENTION)] == [outcome.reference]
    outbox.review.retry(outcome.reference)
    again(intake, outbox)
    assert len(portal.contacts) == 1


@pytest.mark.parametrize("answer", ["Success", "Mobile_Invalid", "Token_Invalid", Fault.RESET])
def test_log_names_only_the_submission_and_the_status(
    intake: Intake, portal: Simulator, answer: str | Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """No mobile, no name, no token."""
    caplog.set_level("DEBUG")
    portal.answer(answer)
    outcome = submit(intake)
    assert outcome.reference in caplog.text
    assert not any(secret in caplog.text for secret in ("912123", "علی", TOKEN))


def test_contact_shows_nothing_of_itself() -> None:
    """Its repr may stand in a log."""
    assert repr(CONTACT) == "Contact(…)"
