"""A form that opens, closes or has a limited number of places, for visitors and operators."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

import pytest
from clock import elapse
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page, solved, written
from werkzeug.test import TestResponse

from webapp import messages
from webapp.demo import Simulator
from webapp.forms import HONEYPOT_INPUT
from webapp.messages import public
from webapp.messages import public as texts
from webapp.outbox.rows import NEEDS_ATTENTION
from webapp.persian import IRAN
from webapp.services import DeliveryServices
from webapp.web import closing
from webapp.web.rendering import EXTENSION
from webapp.web.security import proof_of_work

FORMS = """
[forms.event]
title = "همایش"
access = "public"
fields = ["FName", "Mobile", "BornDate"]
embed_origins = ["https://example.ir"]
opens = "1400/01/01 08:00"
closes = "۱۴۰۰/۱/۱۵"
capacity = 2
closed = "سال آینده هم همایش داریم."

[forms.club]
title = "باشگاه"
access = "public"
fields = ["Mobile"]
verify = "sms"
closes = "1400/01/15 12:00"
capacity = 1
"""
# In the past: submissions, by the database's clock, come after the form has opened.
EARLY = datetime(2021, 3, 21, 7, 59, 59, tzinfo=IRAN)  # 1400/01/01
OPEN = datetime(2021, 3, 21, 8, 0, tzinfo=IRAN)
LAST = datetime(2021, 4, 4, 23, 59, 59, tzinfo=IRAN)  # 1400/01/15
LATE = datetime(2021, 4, 5, 0, 0, tzinfo=IRAN)

TYPED = {"FName": "سارا", "BornDate-day": "۱۵", "BornDate-month": "مهر", "BornDate-year": "۱۳۶۹"}


class Clock:
    """Iran's clock, as the test sets it."""

    time = OPEN


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which forms open and close."""
    own = Clock()
    monkeypatch.setattr(closing, "now", lambda: own.time)
    monkeypatch.setattr(proof_of_work, "MAX_HASHES", 20)
    return own


@pytest.fixture
def client(make_app: Callable[..., Flask], clock: Clock) -> FlaskClient:
    """Return a browser without script."""
    del clock
    return make_app(forms=FORMS).test_client()


@pytest.fixture
def delivery(client: FlaskClient) -> DeliveryServices:
    """Return what stands behind the pages."""
    found: DeliveryServices = client.application.extensions[EXTENSION].delivery
    return found


def send(client: FlaskClient, page: Page, mobile: str, path: str, **more: str) -> TestResponse:
    """Send a form."""
    values = {"csrf_token": page.token, HONEYPOT_INPUT: "", **TYPED, "Mobile": mobile, **more}
    if path == "/f/club":
        form = next(page.html.find("form"))[0]
        values["proof"] = written(solved(str(form["data-proof"])))
    return client.post(path, data=values)


def reason(answer: TestResponse) -> str | None:
    """Return why a page says that its form takes no submission; None if it does not."""
    found = (dict(it).get("data-reason") for it, _ in Html(answer.text).find("div"))
    return next(filter(None, found), None)


def test_form_opens_and_closes_by_the_clock_of_iran(client: FlaskClient, clock: Clock) -> None:
    """To the second, on a page and in a frame; a closing day is open until its end."""
    for time, expected in ((EARLY, "early"), (OPEN, None), (LAST, None), (LATE, "late")):
        clock.time = time
        for path in ("/f/event", "/embed/event"):
            answer = client.get(path)
            assert answer.status_code == HTTPStatus.OK
            assert reason(answer) == expected, (time, path)
            assert ("<form" in answer.text) is (expected is None)
            assert ("سال آینده" in answer.text) is (expected == "late")
    clock.time = EARLY
    assert "یکشنبه ۱ فروردین ۱۴۰۰، ساعت ۰۸:۰۰" in client.get("/f/event").text


def test_what_was_typed_before_a_form_closed_is_shown_beside_why_it_is_not_recorded(
    client: FlaskClient, clock: Clock, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Also what has an error."""
    page = Page(client, "/embed/event")
    clock.time = LATE
    for wrong in ({}, {"BornDate-day": "۴۵", "Mobile": "0912"}):
        answer = send(client, page, "09121234567", "/embed/event", **wrong)
        assert answer.status_code == HTTPStatus.CONFLICT
        assert reason(answer) == "late"
        for said in (texts.NOT_RECORDED, "سارا", "۴۵" if wrong else "۱۵ مهر ۱۳۶۹", 'role="alert"'):
            assert said in answer.text
    assert portal.contacts == []
    assert delivery.outbox.review.oldest() is None


def test_what_was_sent_in_time_has_the_same_answer_after_the_form_has_closed(
    client: FlaskClient, clock: Clock
) -> None:
    """As a reload of its POST, or a double click on a slow line."""
    page = Page(client, "/f/event")
    assert send(client, page, "09121234567", "/f/event").status_code == HTTPStatus.SEE_OTHER
    clock.time = LATE
    again = send(client, page, "09121234567", "/f/event")
    assert again.status_code == HTTPStatus.SEE_OTHER
    receipt = client.get(again.headers["Location"])
    assert 'data-outcome="delivered"' in receipt.text


def test_full_form_shows_the_reason_and_the_typed_values(
    client: FlaskClient, portal: Simulator
) -> None:
    """On a page that was open before, and on one opened then; operators see the numbers."""
    late = Page(client, "/f/event")
    for mobile in ("09121234501", "09121234502"):
        sent = send(client, Page(client, "/f/event"), mobile, "/f/event")
        assert sent.status_code == HTTPStatus.SEE_OTHER
    answer = send(client, late, "09121234503", "/f/event")
    assert answer.status_code == HTTPStatus.CONFLICT
    assert reason(answer) == "full"
    assert texts.NOT_RECORDED in answer.text
    assert "۰۹۱۲۱۲۳۴۵۰۳" in answer.text
    assert len(portal.contacts) == 2


def test_operators_see_whether_a_form_is_open_and_how_many_places_are_taken(
    client: FlaskClient, clock: Clock, delivery: DeliveryServices
) -> None:
    """On the page about the form, and in statistics."""
    assert delivery.places.read_taken("event") == 0
    assert send(client, Page(client, "/f/event"), "09121234501", "/f/event").status_code == 303
    for path in ("/install/event", "/statistics"):
        assert texts.PLACES.format(n="۱", most="۲") in client.get(path).text
    clock.time = LATE
    for path in ("/install/event", "/statistics"):
        assert "مهلت ثبت در این فرم" in client.get(path).text


def test_code_counts_after_the_form_is_full_or_closed_as_long_as_its_place_is_kept(
    client: FlaskClient, clock: Clock, portal: Simulator, delivery: DeliveryServices
) -> None:
    """One in time takes wrong codes and then the right one; later ones get the reason."""
    step = send(client, Page(client, "/f/club"), "09121234506", "/f/club").headers["Location"]
    for time, expected in ((OPEN, "full"), (LATE, "late")):
        clock.time = time
        assert delivery.places.read_taken("club") == 1
        assert reason(client.get("/f/club")) == expected
        assert 'data-outcome="code"' in client.get(step).text
        wrong = client.post(step, data={"Code": "00000"})
        assert (wrong.status_code, reason(wrong)) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
    receipt = client.post(step, data={"Code": portal.codes[-1]["Code"]}).headers["Location"]
    assert messages.DELIVERED_PUBLIC in client.get(receipt).text
    assert delivery.places.read_taken("club") == 1


def test_code_that_was_typed_too_late_does_not_lead_to_a_closed_form(
    client: FlaskClient, clock: Clock, delivery: DeliveryServices
) -> None:
    """Its place is free again; the page says both, instead of a form to be filled in in vain."""
    step = send(client, Page(client, "/f/club"), "09121234507", "/f/club").headers["Location"]
    elapse(delivery.database, timedelta(hours=2).total_seconds())
    delivery.verification._unverified.purge()  # noqa: SLF001  as the worker does
    assert delivery.places.read_taken("club") == 0
    answer = client.get(step)
    assert (answer.status_code, reason(answer)) == (HTTPStatus.GONE, None)
    assert "<form" in answer.text
    clock.time = LATE
    for path in (step, step.replace("/f/", "/embed/")):
        answer = client.get(path)
        assert (answer.status_code, reason(answer)) == (HTTPStatus.GONE, "late")
        assert public.GONE_CLOSED in answer.text
        assert "<form" not in answer.text
        heard = Html(client.post(path, data={"Code": "12345"}).text)
        assert public.GONE_CLOSED in heard.text(role="alert", autofocus="")
        assert heard.text("title") == messages.TITLE_ERROR.format(title="باشگاه")


def test_suspect_is_corrected_in_the_last_place(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """A browser extension had filled in the honeypot; the submission is counted once."""
    filled = {HONEYPOT_INPUT: "x"}
    step = send(client, Page(client, "/f/club"), "09121234503", "/f/club", **filled)
    page = Page(client, f"{step.headers['Location']}&change=1")
    previous = next(it for it, _ in page.html.find("input") if it.get("name") == "previous")
    for mobile, more in (("09121234504", filled), ("09121234505", {})):
        own = {"previous": str(previous["value"]), **more}
        answer = send(client, page, mobile, "/f/club", **own)
        assert "/code" in answer.headers["Location"], answer.text
        page = Page(client, f"{answer.headers['Location']}&change=1")
        previous = next(it for it, _ in page.html.find("input") if it.get("name") == "previous")
    assert delivery.places.read_taken("club") == 1
    assert delivery.outbox.review.count(NEEDS_ATTENTION, most=9) == 0


def test_number_is_corrected_in_the_last_place_and_after_the_form_has_closed(
    client: FlaskClient, clock: Clock, portal: Simulator, delivery: DeliveryServices
) -> None:
    """The submission with the wrong one came in time and had the place; now the other has it."""
    step = send(client, Page(client, "/f/club"), "09121234501", "/f/club").headers["Location"]
    assert delivery.places.read_taken("club") == 1
    assert reason(client.get("/f/club")) == "full"
    clock.time = LATE
    changed = f"{step}&change=1"
    page = Page(client, changed)
    previous = next(it for it, _ in page.html.find("input") if it.get("name") == "previous")
    answer = send(client, page, "09121234502", "/f/club", previous=str(previous["value"]))
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert "/code" in answer.headers["Location"]
    code = {"Code": portal.codes[-1]["Code"]}
    receipt = client.post(answer.headers["Location"], data=code).headers["Location"]
    assert messages.DELIVERED_PUBLIC in client.get(receipt).text
    assert [it["Mobile"] for it in portal.contacts] == [989121234502]


@pytest.mark.parametrize("path", ["/f/event", "/embed/event"])
def test_receipt_offers_another_submission_only_while_the_form_takes_one(
    client: FlaskClient, clock: Clock, path: str
) -> None:
    """It may have filled up by that submission, or closed before the receipt is opened again."""
    first = send(client, Page(client, path), "09121111111", path).headers["Location"]
    assert messages.ANOTHER in client.get(first).text
    clock.time = LATE
    assert messages.ANOTHER not in client.get(first).text
    clock.time = OPEN
    last = send(client, Page(client, path), "09122222222", path).headers["Location"]
    assert messages.ANOTHER not in client.get(last).text
