"""The operators' screen of the outbox: what it shows, and what retry, correct and discard do."""

import base64
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from outbox_entries import CONTACT, NOW, OTHER, add, doubt, found, hold, key, reject, token
from support import FULL_FORM, FULL_SENT, FURTHER, Html, Page, hashed
from tables import each

from webapp import messages
from webapp.contact import FIELDS, Contact
from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.forms import tokens
from webapp.messages import desk
from webapp.outbox import Outbox
from webapp.outbox.review import Review
from webapp.outbox.rows import HONEYPOT, MAX_RETRY_AGE, UNPROVEN, State, Submission
from webapp.portal import Refused, status_message
from webapp.services import DeliveryServices
from webapp.web import outbox as screen
from webapp.web.rendering import EXTENSION, content
from webapp.web.rendering.content import local_time

FULL: Final = Contact(
    Mobile="09121234567",
    FName="علی‌رضا",
    LName="کاظمی",
    GenderType=True,
    CompanyTitle="شرکت نمونهٔ ایران",
    JobTitle="مدیر فروش",
    Email="Ali@example.com",
    CityName="تهران",
    AddressText="خیابان آزادی\nپلاک ۱۲، واحد ۳",
    BornDate=date(1990, 10, 7),
    AnniversaryDate=date(2016, 6, 13),
    **{f"CustomText{place}": FULL_FORM[f"CustomText{place}"] for place in range(1, 7)},
    **{f"CustomDate{place}": date(2025, 8, 13 + place) for place in (1, 2, 3)},
    Labels=("مشتری", "ویژه", "نمایشگاه ۱۴۰۵"),
    **{name: example.value for name, example in FURTHER.items()},
)


def card(client: FlaskClient, path: str = "/outbox") -> str:
    """Return the text of the only card of a page."""
    ((_, text),) = Html(client.get(path).text).find("article")
    return text


def press(client: FlaskClient, path: str, *, at: str = "") -> Html:
    """Send a button's form, from this page or one opened before; see what the list says."""
    sent = Page(client, at).token if at else token(client)
    response = client.post(path, data={"csrf_token": sent})
    assert (response.status_code, response.location) == (303, "/outbox")
    return Html(client.get("/outbox").text)


def lose(monkeypatch: pytest.MonkeyPatch, *methods: str) -> None:
    """Have these methods of the outbox fail, as a store does that is out of reach."""
    fail = Mock(side_effect=DatabaseError("OperationalError"))
    for method in methods:
        monkeypatch.setattr(Review if hasattr(Review, method) else Outbox, method, fail)


# The list


def test_card_shows_where_a_submission_came_from_and_what_it_holds(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """Its heading is person and number; the reference is a note; numbers from left to right."""
    reference = hold(delivery)
    html = Html(client.get("/outbox").text)
    ((_, text),) = html.find("article")
    ((_, heading),) = html.find("h3")
    assert heading == "علی‌رضا کاظمی ۰۹۱۲۱۲۳۴۵۶۷"
    assert local_time(found(delivery, reference).created_at) in text
    assert "عضویت در خبرنامه" in text
    for shown in ("نام علی‌رضا", "تاریخ تولد یکشنبه ۱۵ مهر ۱۳۶۹", "برچسب‌ها سایت"):
        assert shown in text
    ltr = [text for _, text in html.find("bdi", dir="ltr")]
    assert {reference, "۰۹۱۲۱۲۳۴۵۶۷"} <= set(ltr)
    assert "شغل" not in text


def test_time_is_shown_by_irans_calendar_and_clock() -> None:
    """The evening in UTC is the next day there."""
    assert local_time(datetime(2026, 11, 23, 21, 0)) == "سه‌شنبه ۳ آذر ۱۴۰۵، ساعت ۰۰:۳۰"  # noqa: DTZ001


def test_forms_own_captions_stand_on_its_cards_and_in_its_correction(
    make_app: Callable[..., Flask],
) -> None:
    """With its hints, choices and required fields; of a form that is no more, the main form's."""
    forms = """
        [forms.main]
        title = "دفتر"
        access = "intranet"
        fields = ["Mobile", "CustomText1"]
        captions = { CustomText1 = "کد ملی" }

        [forms.event]
        title = "همایش"
        access = "public"
        fields = ["Mobile", "LName", "CustomText1", "Labels"]
        required = ["LName"]
        label_choices = ["صبح", "عصر"]
        labels = ["همایش", "صبح"]
        captions = { CustomText1 = "نام همراهان", Labels = "کدام کارگاه؟" }
        hints = { CustomText1 = "با ویرگول" }
        accent = "#0b6b57"
        consent = "موافقم."
        consent_field = "CustomText6"
        """
    app = make_app(forms=forms)
    client, delivery = app.test_client(), app.extensions[EXTENSION].delivery
    contact = Contact(
        Mobile="09121234567", CustomText1="رضا", CustomText6="موافقت", Labels=("همایش", "عصر")
    )
    known = hold(delivery, contact, form="event")
    assert "نام همراهان رضا" in card(client)
    assert "کدام کارگاه؟ همایش، عصر" in card(client)
    page = Page(client, f"/outbox/{known}")
    assert page.html.text(id="CustomText1-hint") == "با ویرگول"
    assert page.html.text(id="Labels-hint") == FIELDS["Labels"].hint
    choices = [box["value"] for box, _ in page.html.find("input", type="checkbox", name="Labels")]
    assert choices == ["صبح", "عصر", "همایش"]
    assert page.html.values["Labels"] == ["عصر", "همایش", ""]
    assert page.html.values["CustomText6"] == ["موافقت"]
    assert not {"consent", "keep", "proof"} & page.html.values.keys()
    page.send(Mobile="09121234567", LName="", follow=False)
    assert page.error("LName") == messages.REQUIRED.format(caption="نام خانوادگی")
    delivery.outbox.review.discard(known)
    gone = hold(delivery, contact, form="gone")
    assert f"{messages.FORM_GONE} gone" in card(client)
    assert "کد ملی رضا" in card(client)
    assert "کد ملی" in Page(client, f"/outbox/{gone}").html.text("form")


def test_without_any_intranet_form_the_screen_works_and_leads_nowhere(
    make_app: Callable[..., Flask],
) -> None:
    """There is no page "/" to go back to, and the field table has captions of its own."""
    app = make_app(forms='[forms.a]\ntitle = "یک"\naccess = "public"\nfields = ["Mobile"]\n')
    client, delivery = app.test_client(), app.extensions[EXTENSION].delivery
    reference = hold(delivery, form="gone")
    html = Html(client.get("/outbox").text)
    assert not list(html.find("a", href="/"))
    assert "نام خانوادگی کاظمی" in html.text("article")
    page = Page(client, f"/outbox/{reference}")
    assert page.send(**page.html.values).status_code == 200
    assert page.html.outcome == "delivered"


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (messages.SUSPECT_STATUSES[HONEYPOT], ""),
        (messages.SUSPECT_STATUSES[UNPROVEN], ""),
        (status_message("Mobile_Invalid"), "Mobile_Invalid"),
    ],
)
def test_card_shows_why_it_needs_attention(
    client: FlaskClient, delivery: DeliveryServices, reason: str, status: str
) -> None:
    """A robot's, perhaps, or what the portal said, with the status name."""
    doubts = {text: name for name, text in messages.SUSPECT_STATUSES.items()}
    if reason in doubts:
        hold(delivery, reason=doubts[reason])
    else:
        reject(delivery)
    html = Html(client.get("/outbox" if status else "/outbox?suspects=1").text)
    assert reason in html.text("article")
    assert [text for _, text in html.find("code")] == [status] * bool(status)
    for note in (messages.PERHAPS_THERE, messages.PERHAPS_TWICE, GIVEN_UP):
        assert note not in html.text("article")


GIVEN_UP: Final = messages.GIVEN_UP.format(n="۳")


def test_submission_that_was_tried_for_three_days_is_shown_as_given_up(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the last status."""
    monkeypatch.setattr("webapp.outbox.MAX_RETRY_AGE", -MAX_RETRY_AGE)
    submission = add(delivery)
    for _ in range(2):
        delivery.outbox.postpone(submission, NOW, failed=True, status="Timeout", uncertain=True)
        submission = next(iter(delivery.outbox.claim(1)), submission)
    assert GIVEN_UP in card(client)
    assert status_message("Timeout") in card(client)
    assert messages.PERHAPS_THERE in card(client)


def test_status_without_a_reason_was_not_tried_for_three_days(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """It was asked five times, and held at once."""
    doubt(delivery, unexplained=4)
    (submission,) = delivery.outbox.claim(1)
    portal.answer("Success")  # the search
    portal.answer("Failed")
    delivery.sender.attempt(submission)
    assert status_message("Failed") in card(client)
    assert GIVEN_UP not in card(client)


def test_what_was_sent_again_without_looking_may_be_there_twice(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The page does not promise that it will be looked up."""
    reference = doubt(delivery, failed_lookups=9)
    (submission,) = delivery.outbox.claim(1)
    portal.answer("Token_NotAllowMethod")
    portal.answer("Mobile_Invalid")
    delivery.sender.attempt(submission)
    assert messages.PERHAPS_TWICE in card(client)
    assert messages.PERHAPS_THERE not in card(client)
    assert messages.CORRECT_OLD in client.get(f"/outbox/{reference}").text


def test_empty_list_is_shown_as_nothing_to_do(client: FlaskClient) -> None:
    """An empty outbox has no buttons."""
    html = Html(client.get("/outbox").text)
    assert messages.NEEDS_ATTENTION_NONE in html.text("main")
    assert messages.IN_QUEUE_NONE in html.text("main")
    assert not list(html.find("button", type="submit"))
    assert not list(html.find("a", href="/outbox?waiting=1"))


def test_what_waits_is_counted_and_listed_apart(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """How many, since when, and a list without retry; what is being sent has no buttons."""
    first = doubt(delivery)
    add(delivery, OTHER)
    since = messages.IN_QUEUE_SINCE.format(time=local_time(found(delivery, first).created_at))
    html = Html(client.get("/outbox").text)
    assert not list(html.find("article"))
    assert messages.WAITING.format(n="۲") in html.text("main")
    assert since in html.text("main")
    assert list(html.find("a", href="/outbox?waiting=1"))
    html = Html(client.get("/outbox?waiting=1").text)
    (_, waiting), (_, sending) = html.find("article")
    assert status_message("Timeout") in waiting
    assert messages.BEING_SENT in sending
    assert since in html.text("main")
    assert not list(html.find("button", name="retry"))
    assert [box["value"] for box, _ in html.find("input", name="reference")] == [first]
    addresses = [str(link["href"]) for link, _ in html.find("a", **{"class": "button second"})]
    addresses += [str(link["href"]) for link, _ in html.find("a", **{"class": "button destroy"})]
    assert addresses == [f"/outbox/{first}?waiting=1", f"/outbox/{first}/discard?waiting=1"]


def test_very_long_queue_is_not_counted_to_its_end(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says that there are more."""
    monkeypatch.setattr(content, "_COUNT_CAP", 1)
    for _ in range(3):
        doubt(delivery)
    assert messages.WAITING_MANY.format(n="۱") in Html(client.get("/outbox").text).text("main")


@pytest.mark.parametrize("path", ["/outbox", "/outbox?waiting=1"])
def test_long_list_has_pages(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Each leads to the next, every entry stands on one of them, and the last leads back."""
    monkeypatch.setattr(screen, "_PAGE_SIZE", 2)
    references = [doubt(delivery) if "waiting" in path else hold(delivery) for _ in range(5)]
    seen: list[str] = []
    address: str | None = path
    while address:
        html = Html(client.get(address).text)
        seen += [str(heading["id"]) for heading, _ in html.find("h3")]
        address = next((str(link["href"]) for link, _ in html.find("a", rel="next")), None)
    assert seen == references
    assert messages.FIRST_PAGE in [text for _, text in html.find("a", href=path)]
    beyond = client.get(f"{path}{'&' if '?' in path else '?'}page=9").text
    assert [str(it["id"]) for it, _ in Html(beyond).find("h3")] == references[4:]


def test_while_the_queue_is_paused_the_screen_says_why(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """The banner has no link to where the operator is already; the header has one."""
    hold(delivery)
    delivery.breaker.failed(Refused("CreditNotEnough"))
    html = Html(client.get("/outbox").text)
    assert status_message("CreditNotEnough") in html.text(data_pause="CreditNotEnough")
    assert [link["aria-current"] for link, _ in html.find("a", href="/outbox")] == ["page"]


# Retry


def test_submission_is_queued_again(client: FlaskClient, delivery: DeliveryServices) -> None:
    """A paused queue is tried at once; the page says what happened, once."""
    reference = hold(delivery)
    delivery.breaker.failed(Refused("CreditNotEnough"))
    assert not delivery.breaker.take_probe(timedelta(minutes=1))
    html = press(client, f"/outbox/{reference}/retry", at="/outbox")
    assert html.outcome == "retried"
    said = html.text(data_reference=reference)
    assert messages.OUTBOX_RESULTS["retried"] in said
    assert found(delivery, reference).state is State.QUEUED
    assert delivery.breaker.take_probe(timedelta(minutes=1))
    assert Html(client.get("/outbox").text).outcome is None


def test_form_keeps_silent_about_the_outbox(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """What the screen has to say waits for the screen."""
    client.post(f"/outbox/{hold(delivery)}/retry", data={"csrf_token": token(client)})
    assert Html(client.get("/").text).outcome is None
    assert Html(client.get("/outbox").text).outcome == "retried"


@pytest.mark.parametrize("action", ["retry", "discard"])
@pytest.mark.parametrize("became", ["sent", "discarded", "unknown", "nonsense"])
def test_action_on_a_missing_submission_is_not_reported_as_done(
    client: FlaskClient, delivery: DeliveryServices, action: str, became: str
) -> None:
    """A colleague was faster, or the portal."""
    reference = {"unknown": "AAAAAAAA", "nonsense": "x"}.get(became) or hold(delivery)
    if became == "sent":
        delivery.outbox.review.retry(reference)
        (submission,) = delivery.outbox.claim(1)
        delivery.outbox.mark_delivered(submission, 1)
    elif became == "discarded":
        delivery.outbox.review.discard(reference)
    html = press(client, f"/outbox/{reference}/{action}")
    assert html.outcome == "changed"
    assert html.text(data_outcome="changed") == messages.OUTBOX_RESULTS["changed"]


def test_retry_counts_even_if_the_breaker_cannot_be_changed(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is queued, and the page says only that."""
    fail = Mock(side_effect=DatabaseError("OperationalError"))
    monkeypatch.setattr("webapp.outbox.circuit_breaker.CircuitBreaker.probe_now", fail)
    assert press(client, f"/outbox/{hold(delivery)}/retry").outcome == "retried"


# Discard


def test_submission_is_erased_once_the_operator_has_confirmed(
    client: FlaskClient, delivery: DeliveryServices, tmp_path: Path
) -> None:
    """The page shows it again; nothing of it stays in the file."""
    reference = hold(delivery)
    address = f"/outbox/{reference}/discard"
    assert list(Html(client.get("/outbox").text).find("a", href=address))
    html = Html(client.get(address).text)
    assert messages.DISCARD_WARNING in html.text("main")
    assert "کاظمی" in html.text("article")
    assert list(html.find("a", href="/outbox"))
    assert found(delivery, reference)
    html = press(client, address, at=address)
    assert html.outcome == "discarded"
    assert messages.OUTBOX_RESULTS["discarded"] in html.text(data_reference=reference)
    erased = delivery.outbox.review.get(reference)
    assert erased is not None
    assert erased.contact is None
    left = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert CONTACT["Mobile"].encode() not in left  # type: ignore[union-attr]


def test_what_waits_can_be_discarded_and_what_is_being_sent_cannot(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """It would be sent all the same."""
    waiting, sending = doubt(delivery), add(delivery, OTHER).reference
    assert press(client, f"/outbox/{waiting}/discard").outcome == "discarded"
    assert press(client, f"/outbox/{sending}/discard").outcome == "changed"
    assert client.get(f"/outbox/{sending}/discard").location == "/outbox"
    assert found(delivery, sending)


# Correct


def test_contact_comes_back_into_the_form_as_it_was(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Sent again unchanged, every value arrives as it would have."""
    reference = reject(delivery, FULL, form="contact")
    page = Page(client, f"/outbox/{reference}")
    assert page.html.text("h1") == messages.CORRECT_TITLE
    assert page.html.outcome is None
    assert page.html.values["BornDate"] == ["۱۳۶۹/۷/۱۵"]
    assert "یکشنبه ۱۵ مهر ۱۳۶۹" in page.html.text("details")
    assert page.html.values["Labels"] == ["مشتری", "ویژه، نمایشگاه ۱۴۰۵"]
    assert page.html.values["GenderType"] == ["true"]
    # The reader of these tests folds white space.
    typed = {**page.html.values, "AddressText": FULL["AddressText"]}
    page.send(**typed)
    assert page.html.outcome == "delivered"
    assert page.html.text(data_outcome="delivered").endswith(reference)
    (request,) = portal.requests
    sent: dict[str, Any] = {}
    for name, value in request.pairs:
        sent.setdefault(name, []).append(value)
    assert {name: v if name == "Labels" else v[0] for name, v in sent.items()} == FULL_SENT
    assert found(delivery, reference).state is State.DELIVERED
    assert found(delivery, reference).contact is None


@pytest.mark.parametrize("gender", [True, False, None])
@pytest.mark.parametrize("active", [True, False])
def test_choices_come_back_into_the_form(
    client: FlaskClient,
    delivery: DeliveryServices,
    portal: Simulator,
    *,
    gender: bool | None,
    active: bool,
) -> None:
    """None of them turns into another."""
    contact = Contact(**{**CONTACT.values, "GenderType": gender, "Active": active})
    page = Page(client, f"/outbox/{hold(delivery, contact)}")
    page.send(**page.html.values)
    ((stored),) = portal.contacts
    assert (stored["GenderType"], stored["Active"]) == (gender, active)


def test_what_the_form_added_is_the_operators_to_change(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Fixed values and labels are in the contact; they are not added a second time."""
    page = Page(client, f"/outbox/{hold(delivery)}")
    assert page.html.values["CityName"] == ["تهران"]
    assert page.html.values["Labels"] == ["سایت", ""]
    page.send(**{**page.html.values, "CityName": "شیراز", "Labels": "همکار"})
    (stored,) = portal.contacts
    assert (stored["CityName"], stored["Labels"]) == ("شیراز", ["همکار"])


def test_contact_that_is_rejected_again_stays_with_its_correction(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The error stands at its field, the values stay; the operator may walk away, or go on."""
    reference = reject(delivery)
    page = Page(client, f"/outbox/{reference}")
    portal.answer("Mobile_Invalid")
    response = page.send(**{**page.html.values, "Mobile": "۰۹۳۵۱۱۱۲۲۳۳"})
    assert response.status_code == 422
    assert page.html.outcome == "rejected"
    assert page.error("Mobile") == status_message("Mobile_Invalid")
    assert page.html.values["Mobile"] == ["۰۹۳۵۱۱۱۲۲۳۳"]
    submission = found(delivery, reference)
    assert (submission.state, submission.contact) == (State.REJECTED, OTHER)
    page.send(**page.html.values)
    assert page.html.outcome == "delivered"
    assert len(portal.contacts) == 1


def test_wrong_correction_changes_nothing(client: FlaskClient, delivery: DeliveryServices) -> None:
    """422, the errors at their fields, everything typed kept; no choice is restored."""
    contact = Contact(**{**CONTACT.values, "GenderType": True})
    reference = hold(delivery, contact)
    page = Page(client, f"/outbox/{reference}")
    typed = {"Mobile": "۰۹۱۲", "BornDate": "۱۴۰۴/۱۲/۳۰", "FName": "رضا"}
    assert page.send(**typed).status_code == 422
    assert page.html.outcome == "invalid"
    assert page.error("BornDate") == "اسفند ۱۴۰۴ روز ۳۰ ندارد."
    assert {name: page.html.values[name] for name in typed} == {n: [v] for n, v in typed.items()}
    assert page.html.values["LName"] == [""]
    assert "GenderType" not in page.html.values or page.html.values["GenderType"] == [""]
    assert found(delivery, reference).contact == contact


def test_while_the_queue_is_paused_a_correction_waits_with_the_others(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The portal hears nothing; the page says why."""
    reference = reject(delivery)
    delivery.breaker.failed(Refused("CreditNotEnough"))
    page = Page(client, f"/outbox/{reference}")
    assert page.html.text(data_pause="CreditNotEnough")
    page.send(**{**page.html.values, "Mobile": OTHER["Mobile"]})
    assert page.html.outcome == "queued"
    said = page.html.text(data_outcome="queued")
    assert all(
        it in said for it in (status_message("CreditNotEnough"), "CreditNotEnough", reference)
    )
    submission = found(delivery, reference)
    assert (submission.state, submission.contact, submission.owner) == (State.QUEUED, OTHER, None)
    assert not portal.requests


def test_correction_that_the_portal_breaks_on_is_queued(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """It is sent later."""
    reference = reject(delivery)
    portal.answer(Fault.HTTP_502)
    page = Page(client, f"/outbox/{reference}")
    page.send(**page.html.values)
    assert page.html.outcome == "queued"
    assert found(delivery, reference).uncertain


def test_what_the_portal_may_have_is_looked_up_before_the_correction_is_sent(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The mark stays; what is there already is not sent a second time."""
    delivery.portal.create_contact(CONTACT)
    reference = doubt(delivery)
    page = Page(client, f"/outbox/{reference}")
    assert messages.CORRECT_OLD in page.html.text("main")
    page.send(**page.html.values)
    assert page.html.outcome == "delivered"
    assert len(portal.contacts) == 1
    other = doubt(delivery)
    delivery.breaker.failed(Refused("CreditNotEnough"))
    page = Page(client, f"/outbox/{other}")
    page.send(**page.html.values)
    assert found(delivery, other).uncertain


def test_submission_is_not_looked_up_before_the_settling_time(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """What is corrected before it stays queued until then."""
    reference = doubt(delivery, timedelta(minutes=2))
    due = found(delivery, reference).due
    page = Page(client, f"/outbox/{reference}")
    page.send(**{**page.html.values, "FName": "رضا"})
    assert page.html.outcome == "queued"
    assert status_message("Timeout") in page.html.text(data_outcome="queued")
    submission = found(delivery, reference)
    assert (submission.state, submission.due, submission.uncertain) == (State.QUEUED, due, True)
    assert submission.contact is not None
    assert submission.contact["FName"] == "رضا"
    assert not portal.requests


@pytest.mark.parametrize("became", ["sent", "sending", "discarded"])
def test_correction_that_comes_too_late_leads_back_to_the_list(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator, became: str
) -> None:
    """Nothing is sent, and the page says that nothing was done."""
    reference = hold(delivery)
    page = Page(client, f"/outbox/{reference}")
    if became == "discarded":
        delivery.outbox.review.discard(reference)
    else:
        delivery.outbox.review.retry(reference)
        (submission,) = delivery.outbox.claim(1)
        if became == "sent":
            delivery.outbox.mark_delivered(submission, 1)
    page.send(**page.html.values)
    assert page.html.outcome == "changed"
    assert not portal.requests


def test_correction_that_is_overtaken_leads_back_to_the_list(
    client: FlaskClient,
    delivery: DeliveryServices,
    portal: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the look and the update."""
    page = Page(client, f"/outbox/{hold(delivery)}")
    monkeypatch.setattr(Review, "correct", lambda *_, **__: None)
    page.send(**page.html.values)
    assert page.html.outcome == "changed"
    assert not portal.requests


def test_second_tab_learns_of_the_first_ones_correction(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """Nothing is overwritten unseen, and nothing typed is lost, while the row waits."""
    delivery.breaker.failed(Refused("CreditNotEnough"))
    reference = reject(delivery)
    before = found(delivery, reference).contact
    assert before is not None
    first, second = (Page(client, f"/outbox/{reference}") for _ in range(2))
    first.send(**{**first.html.values, "FName": "سارینا"})
    assert first.html.outcome == "queued"
    wrong = second.send(**{**second.html.values, "CityName": "قم", "Mobile": "x"})
    assert wrong.status_code == 422
    typed = {**second.html.values, "Mobile": before["Mobile"]}
    assert second.send(**typed).status_code == 409
    line = desk.CHANGED_FIELD.format(caption="نام", before=before["FName"], now="سارینا")
    told = second.html.text(id="reasons")
    assert desk.CHANGED_MEANWHILE in told
    assert line in told
    second.send(**second.html.values)
    assert second.html.outcome == "queued"
    corrected = found(delivery, reference).contact
    assert corrected == Contact(**{**before.values, "FName": "سارینا", "CityName": "قم"})
    assert not portal.requests


def test_own_correction_that_is_rejected_and_corrected_again_is_no_other_ones(
    client: FlaskClient, delivery: DeliveryServices, portal: Simulator
) -> None:
    """The form that says so begins with what is stored by now."""
    page = Page(client, f"/outbox/{reject(delivery)}")
    portal.answer("Mobile_Invalid")
    assert page.send(**{**page.html.values, "FName": "سارینا"}).status_code == 422
    page.send(**{**page.html.values, "CityName": "قم"})
    assert page.html.outcome == "delivered"


@each("name", ["AAAAAAAA", "x", "retry", "۱"])
@each("page", ["/outbox/{}", "/outbox/{}/discard"])
def test_unknown_reference_is_not_found(client: FlaskClient, name: str, page: str) -> None:
    """Whatever its letters are."""
    assert client.get(page.format(name)).status_code == 404


def test_reference_that_is_being_sent_or_was_leads_back_to_the_list(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """An older page, or a report, linked to it: the list says that it has changed."""
    submission = add(delivery)
    assert client.get(f"/outbox/{submission.reference}").location == "/outbox"
    delivery.outbox.mark_delivered(submission, 1)
    for path in (f"/outbox/{submission.reference}", f"/outbox/{submission.reference}/discard"):
        assert Html(client.get(path, follow_redirects=True).text).outcome == "changed"


# Guards


ACTIONS: Final = ("/outbox", "/outbox/{}/retry", "/outbox/{}/discard")


@each("action", ACTIONS)
@each("kind", ["missing", "old", "of another form", "forged"])
def test_without_a_pages_token_nothing_happens(
    client: FlaskClient,
    delivery: DeliveryServices,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    kind: str,
) -> None:
    """The page says so."""
    reference = hold(delivery)
    other = Page(client, "/f/signup").token
    data = {"csrf_token": other if kind == "of another form" else token(client)}
    if kind == "forged":
        data["csrf_token"] += "x"
    if kind == "missing":
        data = {}
    with monkeypatch.context() as later:
        if kind == "old":
            later.setattr(tokens, "LIFETIME", timedelta(seconds=-1))
        response = client.post(action.format(reference), data=data)
    assert (response.status_code, response.location) == (303, "/outbox")
    assert Html(client.get("/outbox").text).outcome == "expired"
    assert found(delivery, reference).state is State.HELD


def test_correction_with_an_old_token_keeps_what_was_typed(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any form; nor does the token of a visitor's form open it."""
    reference = hold(delivery)
    page = Page(client, f"/outbox/{reference}")
    with monkeypatch.context() as later:
        later.setattr(tokens, "LIFETIME", timedelta(seconds=-1))
        assert page.send(**{**page.html.values, "FName": "رضا"}).status_code == 422
    assert messages.FORM_EXPIRED in page.html.text(role="alert")
    assert page.html.values["FName"] == ["رضا"]
    stolen = {**page.html.values, "csrf_token": Page(client, "/f/signup").token}
    assert client.post(f"/outbox/{reference}", data=stolen).status_code == 422
    assert found(delivery, reference).state is State.HELD


@each("method", ["GET", "POST"])
@each("path", ["/outbox", "/outbox/{}", *ACTIONS])
def test_screen_is_only_for_the_intranet(
    client: FlaskClient, delivery: DeliveryServices, method: str, path: str
) -> None:
    """Whatever is there or not."""
    path = path.format(hold(delivery))
    response = client.open(path, method=method, environ_base={"REMOTE_ADDR": "8.8.8.8"})
    assert response.status_code in (403, 405)
    assert response.status_code == 403 or client.open(path, method=method).status_code == 405


def test_another_sites_page_cannot_press_a_button(
    client: FlaskClient, delivery: DeliveryServices
) -> None:
    """The guard stands in front of the token."""
    reference = hold(delivery)
    data = {"csrf_token": token(client)}
    origin = {"Origin": "https://evil.example"}
    for action in ACTIONS:
        answer = client.post(action.format(reference), data=data, headers=origin)
        assert answer.status_code == 403
    assert found(delivery, reference).state is State.HELD


# A store that fails


@pytest.mark.parametrize("path", ["/outbox", "/outbox/{}", "/outbox/{}/discard"])
def test_database_out_of_reach_is_shown_on_a_page(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """503, what to do, and the way back to this page."""
    path = path.format(hold(delivery))
    lose(monkeypatch, "oldest", "get")
    response = client.get(path)
    html = Html(response.text)
    assert response.status_code == 503
    assert (html.text("h1"), html.text("p", **{"class": "intro"})) == messages.DATABASE_DOWN
    assert list(html.find("a", href=path))


@pytest.mark.parametrize("action", ACTIONS)
def test_action_without_the_database_is_not_reported_as_done(
    client: FlaskClient,
    delivery: DeliveryServices,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    action: str,
) -> None:
    """503 without a traceback; what cannot be opened is not offered to be opened."""
    action = action.format(hold(delivery))
    lose(monkeypatch, "retry", "discard", "queue_again")
    data = {"csrf_token": token(client), "all": "1", "retry": "1"}
    response = client.post(action, data=data)
    assert response.status_code == 503
    assert messages.DATABASE_DOWN[0] in response.text
    links = Html(response.text).find("a", href=action)
    is_offered = any("aria-current" not in link for link, _ in links)  # besides the header's
    assert is_offered is action.endswith("discard")
    assert "Traceback" not in caplog.text
    assert "OperationalError" in caplog.text


def test_correction_that_cannot_be_stored_keeps_what_was_typed(
    client: FlaskClient,
    delivery: DeliveryServices,
    portal: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """503, as any form; nothing is sent, and the log does not say that it was corrected."""
    caplog.set_level("INFO")
    page = Page(client, f"/outbox/{hold(delivery)}")
    lose(monkeypatch, "correct")
    assert page.send(**{**page.html.values, "FName": "رضا"}).status_code == 503
    assert page.html.outcome == "unstored"
    assert page.html.values["FName"] == ["رضا"]
    assert not portal.requests
    assert "corrected" not in caplog.text


def test_database_that_fails_after_the_correction_leaves_it_queued(
    client: FlaskClient, delivery: DeliveryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease ends, and it is sent; the page must not say that nothing was recorded."""
    delivery.portal.create_contact(CONTACT)
    reference = doubt(delivery)
    page = Page(client, f"/outbox/{reference}")
    with monkeypatch.context() as failing:
        lose(failing, "delivered_as")
        page.send(**{**page.html.values, "FName": "رضا"})
    assert page.html.outcome == "queued"
    submission = found(delivery, reference)
    assert submission.contact is not None
    assert (submission.state, submission.contact["FName"]) == (State.SENDING, "رضا")


# What the log says


@pytest.mark.parametrize("with_login", [True, False])
def test_every_action_is_logged_without_personal_data(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, *, with_login: bool
) -> None:
    """The reference, the action, and the operator if known."""
    users = {"sara": hashed("x")} if with_login else {}
    app = make_app(intranet_users=users)
    client, delivery = app.test_client(), app.extensions[EXTENSION].delivery
    login = base64.b64encode(b"sara:x").decode()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Basic {login}"
    caplog.set_level("INFO")
    retried, discarded, corrected = (hold(delivery, OTHER) for _ in range(3))
    press(client, f"/outbox/{retried.lower()}/retry")
    press(client, f"/outbox/{discarded.lower()}/discard")
    page = Page(client, f"/outbox/{corrected}")
    page.send(**page.html.values)
    several = {"csrf_token": token(client), "all": "1"}
    for action in ("retry", "export"):
        client.post("/outbox", data={**several, action: "csv"})
    client.post("/outbox", data={**several, "discard": "1", "confirm": "discard"})
    by = " by sara" if with_login else ""
    own = [record.message for record in caplog.records if record.name == screen.__name__]
    assert own == [
        f"outbox: {retried} retried{by}",
        f"outbox: {discarded} discarded{by}",
        f"outbox: {corrected} corrected{by}",
        f"outbox: 0 submissions retried{by}",
        f"outbox: 0 submissions exported{by}",
        f"outbox: 0 submissions discarded{by}",
    ]
    assert not any(secret in caplog.text for secret in ("935111", "علی", "کاظمی", login))


# The row, on both databases


def correct(outbox: Outbox, submission: Submission, **how: Any) -> Submission | None:
    """Correct an entry."""
    corrected = outbox.review.correct(submission.reference, OTHER, **{"send": True, **how})
    assert not isinstance(corrected, Contact)
    return corrected


def test_corrected_row_belongs_to_its_sender_and_begins_anew(outbox: Outbox) -> None:
    """Same reference and key, fresh counts, a lease; the mark that the portal may have it stays."""
    first, _ = outbox.add(CONTACT, key(), form="news", send=True)
    changes: Mapping[str, object] = {"attempts": 3, "unexplained": 2, "failed_lookups": 1}
    outbox.postpone(first, NOW, status="Timeout", uncertain=True, **changes)
    submission = correct(outbox, first)
    assert submission is not None
    assert (submission.key, submission.state, submission.contact) == (
        first.key,
        State.SENDING,
        OTHER,
    )
    assert (submission.attempts, submission.unexplained, submission.failed_lookups) == (0, 0, 0)
    assert (submission.status, submission.uncertain) == ("", True)
    assert submission.owner not in (None, first.owner)
    assert submission.send_by > 0
    assert submission.due > first.created_at
    assert correct(outbox, submission) is None
    assert not outbox.claim(9)
    outbox.mark_delivered(submission, 7)
    settled = outbox.review.get(submission.reference)
    assert settled is not None
    assert settled.state is State.DELIVERED


def test_correction_of_what_was_not_shown_changes_nothing(outbox: Outbox) -> None:
    """It tells what is stored by now; the same correction sent twice is one."""
    first, _ = outbox.hold(CONTACT, key(), form="news", reason=HONEYPOT)
    assert correct(outbox, first, send=False, shown=CONTACT)
    assert correct(outbox, first, send=False, shown=CONTACT)
    assert outbox.review.correct(first.reference, FULL, shown=CONTACT, send=False) == OTHER
    assert [it.contact for it in outbox.claim(9)] == [OTHER]
