"""Delivery: keys, references, outcomes; what reaches the log."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from support import TOKEN

from webapp.contact import FIELDS, Contact
from webapp.delivery import Delivery, Result, reference, submission_key
from webapp.outbox import Outbox
from webapp.portal import Portal
from webapp.standin import Fault
from webapp.verdict import Refused, Rejected, Uncertain, Unreachable

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.standin import StandIn

CONTACT = Contact(Mobile="09121234567", FName="علی", BornDate=date(1990, 10, 7), Labels=("ویژه",))


@pytest.fixture
def delivery(portal: StandIn, store: Outbox) -> Delivery:
    """Deliver to the stand-in."""
    return Delivery(Portal(url=portal.url, token=TOKEN, deadline=0.5), store, deadline=0.5)


@pytest.fixture
def store(tmp_path: Path) -> Outbox:
    """Return an empty store."""
    return Outbox(f"sqlite:///{tmp_path}/outbox.sqlite3")


def test_the_same_form_and_contact_have_the_same_key() -> None:
    """A double click is recognised; a change, or a new page, is a new submission."""
    key = submission_key("nonce", CONTACT)
    assert key == submission_key("nonce", Contact(**CONTACT.values))
    assert key != submission_key("other", CONTACT)
    assert key != submission_key("nonce", Contact(**{**CONTACT.values, "FName": "رضا"}))


def test_a_reference_is_short_and_no_personal_data() -> None:
    """Eight letters and digits that can be read out."""
    assert reference(submission_key("nonce", CONTACT)).isalnum()
    assert len(reference(submission_key("nonce", CONTACT))) == 8


@pytest.mark.parametrize(
    ("answer", "result", "error"),
    [
        ("Success", Result.DELIVERED, type(None)),
        ("Mobile_Invalid", Result.REJECTED, Rejected),
        ("Token_Invalid", Result.UNSTORED, Refused),
        (Fault.RESET, Result.UNSTORED, Uncertain),
        (Fault.SILENT, Result.UNSTORED, Uncertain),
    ],
)
def test_every_answer_has_its_outcome(
    delivery: Delivery, portal: StandIn, answer: str | Fault, result: Result, error: type
) -> None:
    """What is not delivered for certain is not called so."""
    portal.answer(answer)
    outcome = delivery.submit(CONTACT, submission_key("n", CONTACT))
    assert outcome.result is result
    assert isinstance(outcome.error, error)
    assert outcome.is_uncertain is (error is Uncertain)


def test_a_portal_out_of_reach_leaves_the_contact_unstored(
    delivery: Delivery, portal: StandIn
) -> None:
    """It certainly did not arrive."""
    portal.close()
    outcome = delivery.submit(CONTACT, submission_key("n", CONTACT))
    assert (outcome.result, type(outcome.error)) == (Result.UNSTORED, Unreachable)


@pytest.mark.parametrize("answer", ["Success", "Mobile_Invalid", "Token_Invalid", Fault.RESET])
def test_the_log_names_the_submission_and_the_status_alone(
    delivery: Delivery, portal: StandIn, answer: str | Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """No mobile, no name, no token."""
    caplog.set_level("DEBUG")
    portal.answer(answer)
    outcome = delivery.submit(CONTACT, submission_key("n", CONTACT))
    assert outcome.reference in caplog.text
    assert not any(secret in caplog.text for secret in ("912123", "علی", TOKEN))


def test_a_doubtful_contact_is_held_and_answered_like_a_success(
    delivery: Delivery, store: Outbox, portal: StandIn
) -> None:
    """The portal hears nothing of it; the operator finds it by the visitor's reference."""
    key = submission_key("n", CONTACT)
    assert delivery.take(key) is None
    outcome = delivery.hold(CONTACT, key, form="news", reason="honeypot")
    assert outcome == delivery.submit(CONTACT, key)
    assert not portal.contacts
    assert [held.reference for held in store.held()] == [outcome.reference]


def lost_store(portal: StandIn, tmp_path: Path) -> Delivery:
    """Return a delivery whose store is out of reach."""
    file = tmp_path / "not a folder"
    file.touch()
    store = Outbox(f"sqlite:///{file}/x.sqlite3")
    return Delivery(Portal(url=portal.url, token=TOKEN, deadline=0.5), store, deadline=0.5)


def test_the_same_submission_is_sent_once(delivery: Delivery, portal: StandIn) -> None:
    """At once, as by a double click, or later, as by a reload: one contact and one answer."""
    key = submission_key("n", CONTACT)
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: delivery.submit(CONTACT, key), range(8)))
    outcomes.append(delivery.submit(CONTACT, key))
    assert len(portal.contacts) == 1
    assert {outcome.result for outcome in outcomes} == {Result.DELIVERED}
    assert delivery.take(key) == outcomes[0]
    assert delivery.take(submission_key("other", CONTACT)) is None


@pytest.mark.parametrize("answer", ["Mobile_Invalid", "Token_Invalid", Fault.RESET])
def test_what_was_not_accepted_can_be_tried_again(
    delivery: Delivery, portal: StandIn, answer: str | Fault
) -> None:
    """The same form, sent again without a change."""
    key = submission_key("n", CONTACT)
    portal.answer(answer)
    assert delivery.submit(CONTACT, key).result is not Result.DELIVERED
    assert delivery.submit(CONTACT, key).result is Result.DELIVERED


def test_who_waits_for_a_silent_first_one_is_not_told_that_nothing_happened(
    delivery: Delivery, store: Outbox, portal: StandIn
) -> None:
    """It may have arrived; the claim ends with its lease."""
    key = submission_key("n", CONTACT)
    assert store.claim(key, lease=timedelta(seconds=0.8))
    outcome = delivery.submit(CONTACT, key)
    assert outcome.is_uncertain
    time.sleep(0.4)
    assert delivery.submit(CONTACT, key).result is Result.DELIVERED
    assert len(portal.contacts) == 1


def test_without_the_store_contacts_are_sent_all_the_same(
    portal: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Rather twice than never; the log says so."""
    delivery = lost_store(portal, tmp_path)
    key = submission_key("n", CONTACT)
    assert delivery.submit(CONTACT, key).result is Result.DELIVERED
    assert "the store does not answer" in caplog.text


def test_what_cannot_be_held_is_not_called_recorded(
    portal: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A store out of reach: the page must say so."""
    lost = lost_store(portal, tmp_path)
    outcome = lost.hold(CONTACT, submission_key("n", CONTACT), form="news", reason="honeypot")
    assert (outcome.result, outcome.error) == (Result.UNSTORED, None)
    assert "912123" not in caplog.text


def test_a_contact_has_every_field_and_no_other() -> None:
    """What is not given is blank; an unknown name is a fault of the program."""
    assert set(Contact(Mobile="x").values) == set(FIELDS)
    assert Contact()["Active"] is True
    with pytest.raises(TypeError, match="Nonsense"):
        Contact(Nonsense="x")


def test_a_contact_shows_nothing_of_itself() -> None:
    """Its repr may stand in a log."""
    assert repr(CONTACT) == "Contact(…)"
