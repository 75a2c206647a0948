"""The labels of the portal, as the client reads them."""

import json

import pytest
from support import TOKEN
from tables import each

from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.demo.faults import FAULTS, Fault, SimulatedAnswer, status_answer
from webapp.portal import Label, MethodNotAllowed, PortalError, Uncertain
from webapp.portal.client import AmootPortal


@pytest.fixture
def portal(simulator: Simulator) -> AmootPortal:
    """Return a client of the simulator."""
    return AmootPortal(url=simulator.url, token=TOKEN, deadline=10)


def test_labels_come_with_the_number_of_their_contacts(
    portal: AmootPortal, simulator: Simulator
) -> None:
    """The call has no field, and the bare token."""
    assert portal.labels() == []
    for labels in (("ویژه", "همکار"), ("همکار",)):
        portal.create_contact(Contact(Mobile="09121234567", Labels=labels))
    assert portal.labels() == [Label("ویژه", 1), Label("همکار", 2)]
    request = simulator.requests[-1]
    assert (request.path, request.body) == ("/rest/ContactGroupList", b"")
    assert request.headers["Authorization"] == TOKEN


def test_odd_records_are_read_as_far_as_they_go(portal: AmootPortal, simulator: Simulator) -> None:
    """A label without a title is none; without a number it has no contacts."""
    titles = [{"Title": " ویژه "}, {"Title": None}, {}, {"Title": "x", "ContactsCount": "7"}]
    body = json.dumps({"Status": "Success", "Data": titles}).encode()
    simulator.mood = lambda _: SimulatedAnswer(body)
    assert portal.labels() == [Label("ویژه"), Label("x")]


@each("data", [{}, "ویژه", ["ویژه"]])
def test_answer_without_a_list_is_an_error(
    portal: AmootPortal, simulator: Simulator, data: object
) -> None:
    """As with every method."""
    body = json.dumps({"Status": "Success", "Data": data}).encode()
    simulator.mood = lambda _: SimulatedAnswer(body)
    with pytest.raises(Uncertain, match="UnreadableAnswer"):
        portal.labels()


def test_method_that_the_token_may_not_use_is_told_apart(
    portal: AmootPortal, simulator: Simulator
) -> None:
    """By its status, as JSON or as plain text."""
    for answer in (status_answer("Token_NotAllowMethod"), SimulatedAnswer(b"Token_NotAllowMethod")):
        simulator.mood = lambda _, answer=answer: answer
        with pytest.raises(MethodNotAllowed):
            portal.labels()


@each("fault", [Fault.HTTP_502, Fault.HTML, Fault.TRUNCATED, Fault.HTTP_429])
def test_failed_call_is_an_error_of_the_portal(
    portal: AmootPortal, simulator: Simulator, fault: Fault
) -> None:
    """Never another exception."""
    assert fault in FAULTS
    simulator.mood = lambda _: fault
    with pytest.raises(PortalError):
        portal.labels()


def test_thousand_labels_fit_into_an_answer(portal: AmootPortal, simulator: Simulator) -> None:
    """As JSON that escapes each Persian letter."""
    titles = [f"برچسبی با نامی نه چندان کوتاه {number}" for number in range(1000)]
    groups = [{"Title": title, "ContactsCount": 1} for title in titles]
    simulator.mood = lambda _: SimulatedAnswer(
        json.dumps({"Status": "Success", "Data": groups}).encode()
    )
    assert len(portal.labels()) == 1000
