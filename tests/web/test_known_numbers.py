"""The question about a known number, where a row is corrected and where a file is brought."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from brought_files import brought, deliver, numbers, press, read_plainly
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from support import Html, Page, wait_until

from webapp import messages
from webapp.contact import Contact
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.imports import drafts as importing
from webapp.imports.tables import Search, imports
from webapp.messages import desk
from webapp.messages import imports as texts
from webapp.outbox.rows import State, table
from webapp.services import DeliveryServices

pytestmark = pytest.mark.slow

LONG_AGO = datetime(2026, 1, 1)  # noqa: DTZ001  UTC, as all times in the database
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
def app(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, policy: str) -> Flask:
    """Return an app whose phonebook has a number; files are read in this process."""
    monkeypatch.setattr(importing, "read_file", read_plainly)
    monkeypatch.setattr("webapp.services.DEADLINE_S", 20)  # a busy machine
    app = make_app(forms=FORMS.format(policy=policy))
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


def test_correction_of_a_waiting_row_is_no_duplicate(
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
    search(delivery)
    assert numbers(client, path, "ready", "known") == [1, 0]
    assert not [it for it in portal.requests if it.path.endswith("ContactSearch")]


def search(delivery: DeliveryServices) -> None:
    """Search until there is nothing to search, as a worker does."""
    wanted = select(imports.c.id).where(
        imports.c.state == "draft", imports.c.search == Search.RUNNING
    )
    for _ in range(9):
        with delivery.database.write() as connection:
            if connection.execute(wanted).first() is None:
                return
            connection.execute(imports.update().values(next_at=LONG_AGO))
        advance(delivery)
    pytest.fail("the search does not end")


def advance(delivery: DeliveryServices) -> None:
    """Search some numbers, and store the results once all calls have ended."""
    searching = delivery.phonebook_search
    searching.advance()
    wait_until(lambda: all(call.done() for *_, call in searching._step.calls)  # noqa: SLF001
               if searching._step else True)  # noqa: SLF001  # fmt: skip
    searching.advance()


def known_table(client: FlaskClient, path: str) -> str:
    """Return what the preview says of rows with a known number."""
    text = client.get(path).text
    return text.partition('id="known"')[2].partition("</section>")[0]


def test_numbers_of_outbox_earlier_imports_and_phonebook_are_not_sent_again(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The preview counts them and says what differs; the report says how many were not sent."""
    path = brought(client, ("09123333333", "نگار", "قم", ""))
    press(client, path, go="1")
    deliver(delivery)
    waiting = "09122222222"
    contact = Contact(Mobile=waiting, FName="رضا", CityName="قم")
    delivery.outbox.add(contact, "cd" * 32, form="asking", send=False)
    before = len(portal.contacts)
    rows = [
        (NEW, "مینا", "", ""),
        (KNOWN, "سارا", "شیراز", ""),
        (waiting, "رضا", "یزد", ""),
        ("09123333333", "نگار", "ری", ""),
    ]
    path = brought(client, *rows)
    assert numbers(client, path, "ready", "known") == [2, 2]
    with delivery.database.write() as connection:  # the worker sends it later
        later = delivery.database.now_plus(timedelta(minutes=5))
        connection.execute(table.update().values(due=later))
    search(delivery)
    assert numbers(client, path, "ready", "known") == [1, 3]
    shown = known_table(client, path)
    for source in texts.KNOWN_SOURCES.values():
        assert source in shown
    for old in ("تهران", "قم"):
        assert texts.DIFFERENCE.format(caption="شهر", text=old) in shown
    press(client, path, go="1")
    with delivery.database.write() as connection:
        held_back = table.update().where(table.c.batch.is_(None)).values(state=State.HELD)
        connection.execute(held_back)
    deliver(delivery)
    assert numbers(client, path, "sent", "waiting", "known") == [1, 0, 3]
    assert len(portal.contacts) == before + 1


def test_known_rows_are_sent_if_the_operator_chooses_it(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Also those of the same file; the choice stays while the preview is computed anew."""
    rows = [(NEW, "مینا", "", ""), ("09122222222", "رضا", "", "")]
    for _ in range(2):
        before = len(portal.contacts)
        path = brought(client, *rows)
        answer = press(client, path, go="1", known="send", **{"all-CityName": "قم"})
        page = Html(client.get(answer.headers["Location"]).text)
        chosen = [it["value"] for it, _ in page.find("input", name="known") if "checked" in it]
        assert chosen == (["send"] if before > 1 else [])
        press(client, path, go="1", known="send")
        deliver(delivery)
        assert len(portal.contacts) == before + 2


@pytest.mark.parametrize(("known", "sent", "unsent"), [("send", 2, 0), ("skip", 1, 1)])
def test_further_rows_with_a_known_number_are_reported_as_duplicates(
    client: FlaskClient, delivery: DeliveryServices, known: str, sent: int, unsent: int
) -> None:
    """One of them counts, sent or not; the sum of all numbers is that of the file's rows."""
    before = brought(client, ("09123333333", "نگار", "قم", ""))
    press(client, before, go="1")
    deliver(delivery)
    repeated = [("09123333333", name, "قم", "") for name in ("نگار", "نگین", "نیلوفر")]
    path = brought(client, *repeated, ("09124444444", "مینا", "", ""))
    search(delivery)
    assert numbers(client, path, "ready", "known") == [1, 3]
    press(client, path, go="1", known=known)
    deliver(delivery)
    assert numbers(client, path, "sent", "known") == [sent, unsent]
    assert texts.REPEATED.format(n="۲") in client.get(path).text


def test_same_file_is_recognised_at_once_and_sends_nothing(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """With a link to its report; another file of the same rows is no such file."""
    rows = [(NEW, "مینا", "", "")]
    first = brought(client, *rows)
    press(client, first, go="1")
    deliver(delivery)
    again = brought(client, *rows)
    assert numbers(client, again, "ready", "known") == [0, 1]
    page = Html(client.get(again).text)
    assert [it for it, _ in page.find("a", href=first)]
    assert texts.NO_DIFFERENCE in known_table(client, again)
    press(client, again, go="1")
    deliver(delivery)
    assert numbers(client, again, "sent", "known") == [0, 1]
    other = brought(client, *rows, (NEW, "", "", ""))
    assert not list(Html(client.get(other).text).find("a", href=first))


def test_number_that_becomes_known_after_the_preview_is_not_sent(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Two operators bring files with one person."""
    paths = [brought(client, (NEW, name, "", "")) for name in ("مینا", "نگار")]
    for path in paths:
        press(client, path, go="1")
    deliver(delivery)
    assert [numbers(client, path, "sent", "known") for path in paths] == [[1, 0], [0, 1]]
    assert len(portal.contacts) == 2


def test_number_that_the_portal_rejected_is_not_known(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """It was not recorded: the mended row of another file is sent."""
    path = brought(client, (NEW, "مینا", "", ""))
    press(client, path, go="1")
    portal.respond_with = lambda _: "Mobile_Invalid"
    deliver(delivery)
    path = brought(client, (NEW, "مینا", "قم", ""))
    assert numbers(client, path, "ready", "known") == [1, 0]


def test_search_shows_its_progress_and_goes_on_after_a_second_reading(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """What was searched is not searched again."""
    rows = [(f"0912{number:07}", "a", "", "") for number in range(60)]
    path = brought(client, *rows)
    asked = searches(portal)
    advance(delivery)
    assert searches(portal) - asked == 50
    progress = texts.SEARCHING.format(n="۵۰", total="۶۰")
    assert progress in client.get(f"{path}/progress").text
    press(client, path, columns="1", **{"all-CityName": "قم"})
    assert progress in client.get(path).text
    search(delivery)
    assert searches(portal) - asked == 60
    assert "data-renews" not in client.get(path).text


def searches(portal: Simulator) -> int:
    """Return how many searches the portal was asked for."""
    return sum(it.path.endswith("ContactSearch") for it in portal.requests)


def test_search_waits_while_submissions_are_due(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """People come first."""
    brought(client, (KNOWN, "a", "", ""))
    delivery.outbox.add(Contact(Mobile=NEW), "cd" * 32, form="asking", send=False)
    before = searches(portal)
    advance(delivery)
    assert searches(portal) == before


def test_search_with_a_token_that_may_not_search_ends_and_is_shown(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """What outbox and imports know still counts."""
    path = brought(client, *[(f"0912{number:07}", "a", "", "") for number in range(60)])
    portal.respond_with = lambda _: "Token_NotAllowMethod"
    before = searches(portal)
    search(delivery)
    assert texts.SEARCH_REFUSED in client.get(path).text
    assert searches(portal) - before < 50


def test_search_that_the_portal_does_not_answer_is_tried_again_later(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """No row counts as searched meanwhile."""
    path = brought(client, (KNOWN, "a", "", ""))
    portal.respond_with = lambda _: Fault.HTTP_500
    advance(delivery)
    assert numbers(client, path, "ready", "known") == [1, 0]
    asked = searches(portal)
    advance(delivery)
    assert searches(portal) == asked
    portal.respond_with = None
    search(delivery)
    assert numbers(client, path, "ready", "known") == [0, 1]


def test_question_of_a_correction_offers_the_same_answer(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """A button of the form that confirms, and one that returns to the row as it was changed."""
    reference = held(delivery, NEW)
    page = Page(client, f"/outbox/{reference}")
    page.send(**{**page.html.values, "Mobile": KNOWN})
    buttons = {button["value"]: text for button, text in page.html.find("button", name="confirm")}
    assert buttons == {"create": desk.DUPLICATE_CREATE, "cancel": messages.CANCEL}
    page.send(**{**page.html.values, "confirm": "cancel"})
    assert page.html.values["Mobile"] == [KNOWN]
