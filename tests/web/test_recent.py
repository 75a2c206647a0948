"""An operator's last submissions: the encrypted cookie, the list and the receipt's name."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from support import Html, Page, hashed

from webapp import messages
from webapp.contact import Contact
from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.messages import desk
from webapp.outbox.review import Review
from webapp.persian import IRAN
from webapp.web.rendering import EXTENSION, recent
from webapp.web.rendering.recent import COOKIE_NAME, RecentSubmissions, make_entry

pytestmark = pytest.mark.slow

FULL: dict[str, Any] = {
    "FName": "سارا",
    "LName": "رضایی",
    "CompanyTitle": "آفتاب",
    "JobTitle": "مدیر فروش",
    "CityName": "تهران",
    "Labels": ["مشتری", "نمایشگاه"],
}
MOBILE, HIDDEN = "09121234567", "۰۹۱۲•••۴۵۶۷"


def send(page: Page, mobile: str = MOBILE, **more: Any) -> Html:
    """Submit a contact; return the next page."""
    page.send(Mobile=mobile, **{**FULL, **more})
    return page.html


def rows(html: Html) -> list[str]:
    """Return the texts of the list's rows, newest first."""
    return [text for _, text in html.find("tr")][1 : -len(desk.KEY_TEXTS)]


def cookie(client: FlaskClient) -> str:
    """Return the cookie's value, or ""."""
    found = client.get_cookie(COOKIE_NAME)
    return found.value if found else ""


def test_receipt_names_the_contact_and_hides_the_middle_of_the_number(page: Page) -> None:
    """As the operator typed it, in Persian digits, from left to right."""
    html = send(page)
    assert html.outcome == "delivered"
    assert html.text(role="status").startswith(f"سارا رضایی {HIDDEN} ثبت شد.")
    assert HIDDEN in [text for _, text in html.find("bdi", dir="ltr")]
    assert MOBILE not in page.client.get("/").text


def test_receipt_with_the_forms_own_text_names_the_contact_too(
    make_app: Callable[..., Flask],
) -> None:
    """Below that text."""
    forms = (
        '[forms.desk]\ntitle = "ثبت"\naccess = "intranet"\n'
        'fields = "all"\nfree_labels = true\nsuccess = "کارت عضویت را بدهید."\n'
    )
    html = send(Page(make_app(forms=forms).test_client()))
    assert html.text(role="status").startswith(f"کارت عضویت را بدهید. سارا رضایی {HIDDEN}")


def test_list_shows_the_last_ten_newest_first(page: Page) -> None:
    """The eleventh pushes the first out."""
    for number in range(11):
        html = send(page, f"0912123450{number}"[:11] if number < 10 else "09121234510")
        page = Page(page.client)
    shown = rows(html)
    assert len(shown) == 10
    assert "۰۹۱۲•••۴۵۱۰" in shown[0]
    assert all(desk.RECENT_DELIVERED in row for row in shown)


def test_list_follows_the_state_of_a_submission(
    page: Page, portal: Simulator, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queued, then in need of an operator, then delivered."""
    outbox = app.extensions[EXTENSION].delivery.outbox
    portal.respond_with = lambda _: "CreditNotEnough"
    html = send(page)
    assert html.outcome == "queued"
    assert desk.RECENT_QUEUED in rows(html)[0]
    reference = next(html.find(role="status"))[0]["data-reference"]
    with monkeypatch.context() as patch:
        patch.setattr(Review, "states", _fail)
        assert desk.RECENT_QUEUED in rows(Html(page.client.get("/").text))[0]
    (submission,) = outbox.claim(1, probe=True)
    outbox.hold_after_attempt(submission, "Failed")
    html = Html(page.client.get("/").text)
    assert messages.NEEDS_ATTENTION in rows(html)[0]
    assert list(html.find("a", href=f"/outbox/{reference}"))
    outbox.review.retry(str(reference))
    (submission,) = outbox.claim(1)
    outbox.mark_delivered(submission, 1)
    assert desk.RECENT_DELIVERED in rows(Html(page.client.get("/").text))[0]


def test_list_says_that_a_submission_was_discarded(page: Page, portal: Simulator) -> None:
    """It needs no attention any more, and its link would lead to no page."""
    portal.respond_with = lambda _: "CreditNotEnough"
    reference = reference_of(send(page))
    token = Page(page.client, f"/outbox/{reference}/discard").token
    page.client.post(f"/outbox/{reference}/discard", data={"csrf_token": token})
    html = Html(page.client.get("/").text)
    assert desk.RECENT_GONE in rows(html)[0]
    assert not list(html.find("a", href=f"/outbox/{reference}"))


def test_what_was_just_recorded_can_be_corrected_or_the_page_says_where(
    page: Page, portal: Simulator, app: Flask
) -> None:
    """From the receipt and the list: here while it waits, then in the portal's panel."""
    outbox = app.extensions[EXTENSION].delivery.outbox
    portal.respond_with = lambda _: "CreditNotEnough"
    html = send(page)
    address = f"/outbox/{reference_of(html)}"
    assert len(list(html.find("a", href=address))) == 2
    assert Html(page.client.get(address).text).text("h1") == messages.CORRECT_TITLE
    (submission,) = outbox.claim(1, probe=True)
    outbox.mark_delivered(submission, 1)
    assert list(Html(page.client.get("/").text).find("a", href=address))
    html = Html(page.client.get(address).text)
    assert html.text("h1") == desk.DELIVERED_TITLE
    assert all(step in html.text("main") for step in desk.DELIVERED_STEPS)
    assert "۰۹۱۲۱۲۳۴۵۶۷" in html.text("main")
    assert not [it for it in portal.requests if it.path.endswith("ContactSearch")]
    assert page.client.application.test_client().get(address).location == "/outbox"


_fail = Mock(side_effect=DatabaseError("OperationalError"))


def test_list_has_the_corrected_number(page: Page, portal: Simulator) -> None:
    """Of a submission in it; what others have submitted stays theirs."""
    portal.respond_with = lambda _: "CreditNotEnough"
    reference = reference_of(send(page))
    correction = Page(page.client, f"/outbox/{reference}")
    correction.send(Mobile="09351234568")
    (row,) = rows(Html(page.client.get("/").text))
    assert "۰۹۳۵•••۴۵۶۸" in row
    other = Page(page.client.application.test_client(), f"/outbox/{reference}")
    other.send(Mobile=MOBILE)
    assert not cookie(other.client)


def test_form_like_another_begins_with_what_colleagues_share(page: Page) -> None:
    """Company, job, city and labels; neither name nor number, and nothing of it in the address."""
    html = send(page)
    (link, _) = next(html.find("a", aria_describedby=reference_of(html)))
    assert "آفتاب" not in str(link["href"])
    values = Html(page.client.get(str(link["href"])).text).values
    assert values["CompanyTitle"] == ["آفتاب"]
    assert values["JobTitle"] == ["مدیر فروش"]
    assert values["CityName"] == ["تهران"]
    assert values["Labels"] == ["مشتری", "نمایشگاه"]
    assert values["Mobile"] == values["FName"] == [""]
    unknown = Html(page.client.get("/?like=ABCDEFGH").text).values
    assert unknown["CompanyTitle"] == [""]


def reference_of(html: Html) -> str:
    """Return the reference of a page's receipt."""
    return str(next(html.find(role="status"))[0]["data-reference"])


def test_cookie_is_only_for_this_browser_and_day(page: Page, app: Flask) -> None:
    """HttpOnly, SameSite, unreadable, until midnight in Iran; other browsers have no list."""
    send(page)
    found = page.client.get_cookie(COOKIE_NAME)
    assert found
    assert found.http_only
    assert found.same_site == "Lax"
    assert found.max_age is not None
    midnight = datetime.now(IRAN) + timedelta(seconds=found.max_age)
    assert abs((midnight.hour * 60 + midnight.minute + 720) % 1440 - 720) <= 1
    assert "سارا" not in found.decoded_value
    assert not rows(Html(app.test_client().get("/").text))


def test_list_is_forgotten_by_its_button(page: Page) -> None:
    """Not without the page's token."""
    html = send(page)
    (form, _) = next(html.find("form", action="/recent/contact/forget"))
    page.client.post(str(form["action"]), data={"csrf_token": "x"})
    assert cookie(page.client)
    tokens = [found["value"] for found, _ in html.find("input", name="csrf_token")]
    answer = page.client.post(str(form["action"]), data={"csrf_token": tokens[-1]})
    assert (answer.status_code, answer.location) == (303, "/")
    assert not cookie(page.client)
    assert page.client.post("/recent/nowhere/forget").status_code == 404


def test_setting_switches_it_off(make_app: Callable[..., Flask]) -> None:
    """No cookie, no list, and no name in the receipt."""
    page = Page(make_app(recent_submissions=False).test_client())
    html = send(page)
    assert html.outcome == "delivered"
    assert not cookie(page.client)
    assert "سارا" not in html.text("main")


@pytest.mark.parametrize("path", ["/f/signup", "/embed/signup"])
def test_visitors_form_has_neither_cookie_nor_list(client: FlaskClient, path: str) -> None:
    """Even in the browser of an operator."""
    send(Page(client))
    assert desk.RECENT_TITLE not in client.get(path).text


def test_other_operator_at_the_same_computer_sees_nothing(make_app: Callable[..., Flask]) -> None:
    """The list belongs to a login."""
    users = {name: hashed("x") for name in ("sara", "ali")}
    client = make_app(intranet_users=users).test_client()
    token = Html(client.get("/", auth=("sara", "x")).text).values["csrf_token"][0]
    client.post("/", data={"csrf_token": token, "Mobile": MOBILE}, auth=("sara", "x"))
    assert rows(Html(client.get("/", auth=("sara", "x")).text))
    assert not rows(Html(client.get("/", auth=("ali", "x")).text))


ENTRY = make_entry(Contact(Mobile=MOBILE, FName="سارا"), reference="ABCDEFGH", result="delivered")


def test_cookie_survives_a_new_key_and_not_a_removed_one() -> None:
    """As form tokens do."""
    written = RecentSubmissions(("old",)).write(ENTRY, [], operator=None)
    assert RecentSubmissions(("new", "old")).read(written, operator=None) == [ENTRY]
    assert RecentSubmissions(("new",)).read(written, operator=None) == []


def test_entries_of_yesterday_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a browser that restores its session keeps the cookie."""
    cookies = RecentSubmissions(("key",))
    written = cookies.write(ENTRY, [], operator=None)
    tomorrow = recent._start_of_day() + timedelta(days=1)  # noqa: SLF001
    monkeypatch.setattr(recent, "_start_of_day", lambda: tomorrow)
    assert cookies.read(written, operator=None) == []


@given(st.text())
def test_nonsense_in_the_cookie_is_no_list(text: str) -> None:
    """Nothing raises."""
    assert RecentSubmissions(("key",)).read(text, operator=None) == []


@given(st.lists(st.text(min_size=50, max_size=100), min_size=10, max_size=10))
def test_cookie_fits_into_a_browser_whatever_was_typed(names: list[str]) -> None:
    """The oldest entries go first."""
    cookies, written = RecentSubmissions(("key",)), ""
    for number, name in enumerate(names):
        contact = Contact(Mobile=f"0912000000{number}", FName=name, CompanyTitle=name[::-1])
        entry = make_entry(contact, reference=f"{number}", result="delivered")
        older = cookies.read(written, operator="sara")
        written = cookies.write(entry, older, operator="sara")
    assert len(COOKIE_NAME) + len(written) < 4000
    read = cookies.read(written, operator="sara")
    assert [entry.reference for entry in read] == ["9", "8", "7", "6", "5"][: len(read)] + [
        str(number) for number in range(4, 9 - len(read), -1)
    ]
