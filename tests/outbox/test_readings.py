"""What becomes of a contact under each reading of what the portal's documents leave open."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.demo.faults import PROFILES, SimulatedAnswer
from webapp.outbox import sender as sender_module
from webapp.services import DeliveryServices
from webapp.web.rendering import EXTENSION

CONTACT = Contact(Mobile="09121234567", FName="سارا", Labels=("ویژه",))

Course = tuple[str, int, str]

# By profile: what the person hears, the copies in the portal, and what the row says at the end.
DELIVERED = ("delivered", 1, "delivered ")
COURSES: dict[str, Course] = {
    **dict.fromkeys(PROFILES, DELIVERED),
    "unreadable": ("queued", 1, "delivered UnreadableAnswer"),
    "unreadable-search-refused": ("queued", 2, "held PerhapsRecorded"),
    "gender-required": ("queued", 0, "held HTTP_400"),
    "http-401": ("queued", 0, "queued HTTP_401"),
}

# The same for HTTP statuses of ContactCreate without a body, with a search and without one.
HTTP_COURSES: dict[tuple[int, bool], Course] = {
    **{(code, True): ("queued", 0, f"queued HTTP_{code}") for code in (401, 403, 404, 405, 415)},
    **{(code, True): ("queued", 0, f"held HTTP_{code}") for code in (400, 413, 422)},
    (302, True): ("queued", 0, "held PerhapsRecorded"),
    (502, True): ("queued", 0, "queued HTTP_502"),
    (429, True): ("queued", 0, "queued SlowDown"),
    **{(code, False): ("queued", 0, "held PerhapsRecorded") for code in (302, 400, 500, 502)},
}


def course(delivery: DeliveryServices, portal: Simulator, number: int) -> Course:
    """Submit a contact, and attempt it as the worker would until nothing changes any more."""
    key = f"{number:02x}" * 32
    outcome = delivery.intake.submit(CONTACT, key, form="contact")
    for _ in range(20):
        for claimed in delivery.outbox.claim(1):
            # A busy machine may stall for longer than a lease.
            delivery.sender.attempt(replace(claimed, send_by=claimed.send_by + 60))
    row = delivery.outbox.find(key)
    assert row
    return outcome.result.value, len(portal.contacts), f"{row.state.value} {row.status}"


@pytest.mark.slow
def test_no_reading_of_the_documents_loses_a_contact_or_stores_it_more_than_twice(
    make_app: Callable[..., Flask], portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each profile of the simulator has its expected course."""
    monkeypatch.setattr(sender_module, "_FIRST_BACKOFF_S", 0)
    delivery: DeliveryServices = make_app(amoot_settle=0).extensions[EXTENSION].delivery
    found: dict[str, Course] = {}
    for number, (name, profile) in enumerate(PROFILES.items()):
        delivery.breaker.close()
        portal.purge()
        portal.profile = replace(profile, lag=0)
        found[name] = course(delivery, portal, number)
        delivery.outbox.review.discard(_reference(delivery, number))
    assert found == COURSES


@pytest.mark.slow
def test_http_statuses_of_the_call_lead_where_they_should(
    make_app: Callable[..., Flask], portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal waits, a bad request is held after five tries, an outage is waited out."""
    monkeypatch.setattr(sender_module, "_FIRST_BACKOFF_S", 0)
    delivery: DeliveryServices = make_app(amoot_settle=0).extensions[EXTENSION].delivery
    found: dict[tuple[int, bool], Course] = {}
    for number, (code, may_search) in enumerate(HTTP_COURSES):
        delivery.breaker.close()
        portal.purge()
        portal.mood = lambda request, code=code, may_search=may_search: (
            SimulatedAnswer(b"", code)
            if request.path.endswith("ContactCreate")
            else "Success"
            if may_search
            else "Token_NotAllowMethod"
        )
        found[code, may_search] = course(delivery, portal, number)
        delivery.outbox.review.discard(_reference(delivery, number))
    assert found == HTTP_COURSES


def _reference(delivery: DeliveryServices, number: int) -> str:
    row = delivery.outbox.find(f"{number:02x}" * 32)
    assert row
    return row.reference
