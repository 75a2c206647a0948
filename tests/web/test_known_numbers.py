"""The question about a known number, where a row is corrected and where a file is brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from brought_files import brought, numbers, press, read_plainly
from support import Html, Page

from webapp import messages
from webapp.contact import Contact
from webapp.demo.faults import Fault
from webapp.imports import rows as importing
from webapp.imports.tables import ImportState
from webapp.messages import imports as texts
from webapp.messages import workbench
from webapp.outbox.rows import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from webapp.demo.server import Simulator
    from webapp.services import DeliveryServices

KNOWN, NEW = "09121234567", "09121111111"
FORMS = """
[forms.asking]
title = "با پرسش"
access = "intranet"
fields = ["Mobile", "FName", "CityName"]
duplicates = "{policy}"
"""


@pytest.fixture(params=["ask"])
def policy(request: pytest.FixtureRequest) -> str:
    """Return whether the form asks."""
    return str(request.param)


@pytest.fixture
def app(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> Flask:
    """Return an app whose phonebook has a number; files are read in this process."""
    monkeypatch.setattr(importing, "read_file", read_plainly)
    monkeypatch.setattr("webapp.services.DEADLINE_S", 20)  # a busy machine
    monkeypatch.setattr("webapp.phonebook._SEARCHES_TIMEOUT_S", 60)
    file = tmp_path / "forms.toml"
    file.write_text(FORMS.format(policy=policy))
    app = make_app(forms_file=file)
    page = Page(app.test_client())
    page.send(Mobile=KNOWN, FName="سارا", CityName="تهران")
    assert page.html.outcome == "delivered"
    return app


def held(delivery: DeliveryServices, mobile: str) -> str:
    """Return the reference of a submission that an operator corrects."""
    key = "cd" * 32
    contact = Contact(Mobile=mobile, FName="رضا")
    return delivery.outbox.hold(contact, key, form="asking", reason="Failed")[0].reference


@pytest.mark.parametrize("mobile", [NEW, KNOWN])
def test_correction_to_a_known_number_is_asked_about_and_changes_nothing(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator, mobile: str
) -> None:
    """As on the form; the answer sends it."""
    reference = held(delivery, mobile)
    page = Page(client, f"/outbox/{reference}")
    typed = {**page.html.values, "Mobile": KNOWN, "FName": "مینا"}
    assert page.send(**typed).status_code == 409
    assert page.html.outcome == "duplicate"
    assert "سارا" in page.html.text(role="alert")
    assert page.html.values["FName"] == ["مینا"]
    kept = delivery.outbox.review.get(reference)
    assert kept
    assert (kept.state, kept.contact and kept.contact["FName"]) == (State.HELD, "رضا")
    page.send(**page.html.values, confirm="create")
    assert page.html.outcome == "delivered"
    assert len(portal.contacts) == 2


def test_correction_of_a_waiting_row_is_no_duplicate_of_itself(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Its own number waits in the queue: that is this row."""
    contact = Contact(Mobile=NEW, FName="رضا")
    row, _ = delivery.outbox.add(contact, "cd" * 32, form="asking", send=False)
    page = Page(client, f"/outbox/{row.reference}")
    page.send(**{**page.html.values, "FName": "مینا"})
    assert page.html.outcome == "delivered"


@pytest.mark.parametrize("policy", ["ignore"], indirect=True)
def test_where_the_form_does_not_ask_neither_do_correction_and_import(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """No search is made for it, either."""
    page = Page(client, f"/outbox/{held(delivery, KNOWN)}")
    page.send(**page.html.values)
    assert page.html.outcome == "delivered"
    path = brought(client, (KNOWN, "سارا", "", ""))
    assert numbers(client, path, "known") == [0]
    press(client, path, go="1")
    assert state(delivery, path) is ImportState.RUNNING
    assert not [it for it in portal.requests if it.path.endswith("ContactSearch")]


def state(delivery: DeliveryServices, path: str) -> ImportState:
    """Return the state of an import."""
    found = delivery.imports.review.get(path.rpartition("/")[2])
    assert found
    return found.state


def test_import_with_known_numbers_asks_before_it_sends(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Numbers of the phonebook and of the queue; their rows are named."""
    waiting = "09122222222"
    delivery.outbox.add(Contact(Mobile=waiting), "cd" * 32, form="asking", send=False)
    path = brought(client, (NEW, "a", "", ""), (KNOWN, "b", "", ""), (waiting, "c", "", ""))
    assert numbers(client, path, "ready", "known") == [3, 2]
    response = press(client, path, go="1")
    assert response.status_code == 409
    page = Html(response.text)
    assert page.outcome == "duplicate"
    assert texts.KNOWN_ASK in page.text(role="alert")
    assert page.text(id="known") == texts.KNOWN_ROWS.format(rows="۳، ۴")
    assert state(delivery, path) is ImportState.DRAFT
    assert press(client, path, go="1", confirm="create").status_code == 303
    assert state(delivery, path) is ImportState.RUNNING


def test_answer_does_not_count_for_a_number_that_became_known_meanwhile(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """A colleague has just recorded it: its row is named, and asked about anew."""
    path = brought(client, (NEW, "a", "", ""), (KNOWN, "b", "", ""))
    asked = Html(client.get(path).text).values["asked"][0]
    delivery.outbox.add(Contact(Mobile=NEW), "cd" * 32, form="asking", send=False)
    response = press(client, path, go="1", confirm="create", asked=asked)
    assert response.status_code == 409
    page = Html(response.text)
    assert page.text(id="known") == texts.KNOWN_ROWS.format(rows="۲، ۳")
    again = page.values["asked"][0]
    assert press(client, path, go="1", confirm="create", asked=again).status_code == 303


def test_import_without_known_numbers_is_sent_at_once(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """There is nothing to ask, and the page does not say that something was left out."""
    path = brought(client, (NEW, "a", "", ""))
    page = client.get(path).text
    assert texts.NOT_SEARCHED not in page
    assert texts.KNOWN_NUMBERS not in page
    press(client, path, go="1")
    assert state(delivery, path) is ImportState.RUNNING


@pytest.mark.parametrize("is_long", [True, False])
def test_import_whose_numbers_were_not_all_looked_up_says_so(
    client: FlaskClient, portal: Simulator, *, is_long: bool
) -> None:
    """Of a long file, only the queue is asked: each number would take a call."""
    if not is_long:
        portal.answer(Fault.HTTP_500, 99)
    rows = [(f"0912{number:07}", "a", "", "") for number in range(21 if is_long else 1)]
    before = len(portal.requests)
    path = brought(client, *rows)
    assert texts.NOT_SEARCHED in client.get(path).text
    assert len(portal.requests) - before <= 1


def test_same_file_brought_again_is_not_asked_about(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Its rows are in the outbox already, and are not sent again."""
    rows = [(NEW, "a", "", "")]
    path = brought(client, *rows)
    press(client, path, go="1")
    delivery.imports.feeder.feed()
    again = brought(client, *rows)
    assert numbers(client, again, "known") == [0]


def test_question_of_a_correction_offers_the_same_answer(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """A button of the form that confirms, and one that returns to the row as it was changed."""
    reference = held(delivery, NEW)
    page = Page(client, f"/outbox/{reference}")
    page.send(**{**page.html.values, "Mobile": KNOWN})
    buttons = {button["value"]: text for button, text in page.html.find("button", name="confirm")}
    assert buttons == {"create": workbench.DUPLICATE_CREATE, "cancel": messages.CANCEL}
    page.send(**{**page.html.values, "confirm": "cancel"})
    assert page.html.values["Mobile"] == [KNOWN]
