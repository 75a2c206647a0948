"""The question before a second contact with one number, where a form asks it."""

import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import update
from support import Html, Page
from tables import each

from webapp import messages, phonebook, services
from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.demo.http import Captured
from webapp.forms.definitions_file import DefinitionError, parse
from webapp.messages import desk
from webapp.outbox import Outbox
from webapp.outbox.rows import table
from webapp.web.rendering import EXTENSION

pytestmark = pytest.mark.slow

MOBILE = "09121234567"
FIRST = {"Mobile": MOBILE, "FName": "سارا", "LName": "رضایی", "CityName": "تهران"}
SECOND = {"Mobile": "+98 912 123 4567", "FName": "رضا"}
FORMS = """
[forms.asking]
title = "با پرسش"
access = "intranet"
fields = "all"
free_labels = true
duplicates = "ask"

[forms.other]
title = "بی‌پرسش"
access = "intranet"
fields = ["Mobile", "FName"]
duplicates = "ignore"

[forms.signup]
title = "عضویت"
access = "public"
fields = ["Mobile"]
"""


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Return an app with forms that ask and do not."""
    return make_app(forms=FORMS)


@pytest.fixture
def page(app: Flask) -> Page:
    """Open the form that asks."""
    return Page(app.test_client())


def submit(page: Page, **fields: Any) -> Page:
    """Send a new form."""
    page = Page(page.client, page.path)
    page.send(**fields)
    return page


def creations(portal: Simulator) -> int:
    """Count the calls that create a contact."""
    return len(portal.contacts)


def test_known_number_is_asked_about_and_nothing_is_recorded(page: Page, portal: Simulator) -> None:
    """The page shows whom the phonebook has, and keeps what was typed."""
    assert submit(page, **FIRST).html.outcome == "delivered"
    page = Page(page.client)
    assert page.send(**SECOND).status_code == 409
    assert page.html.outcome == "duplicate"
    told = page.html.text(role="alert")
    assert all(part in told for part in ("سارا رضایی", "تهران", desk.DUPLICATE_ASK))
    assert page.html.values["FName"] == ["رضا"]
    assert creations(portal) == 1


def test_confirmed_contact_is_recorded(page: Page, portal: Simulator) -> None:
    """By the button of the question, which belongs to the form."""
    submit(page, **FIRST)
    page = Page(page.client)
    page.send(**SECOND)
    buttons = list(page.html.find("button", name="confirm"))
    assert [(button["value"], text) for button, text in buttons] == [
        ("create", desk.DUPLICATE_CREATE),
        ("keep", desk.DUPLICATE_KEEP),
        ("cancel", messages.CANCEL),
    ]
    assert all(list(page.html.find("form", id=str(button["form"]))) for button, _ in buttons)
    page.send(**SECOND, confirm="create")
    assert page.html.outcome == "delivered"
    assert creations(portal) == 2


def test_first_button_of_the_question_page_sends_without_confirming(page: Page) -> None:
    """Enter in any field presses it."""
    submit(page, **FIRST)
    page = Page(page.client)
    page.send(**SECOND)
    buttons = [
        button
        for button, _ in page.html.find("button")
        if button.get("form") == "contact-form" or button.get("type") == "submit"
    ]
    assert "name" not in buttons[0]
    assert any(button.get("name") == "confirm" for button in buttons[1:])


@pytest.mark.parametrize("is_early", [False, True])
def test_confirmation_counts_for_the_number_that_was_asked_about(
    page: Page, portal: Simulator, *, is_early: bool
) -> None:
    """Another known number is asked about, too."""
    submit(page, **FIRST)
    submit(page, Mobile="09351234567", FName="مینا")
    page = Page(page.client)
    if is_early:
        asked = Html(ask_early(page, MOBILE)[1]).values["Mobile-asked"]
    else:
        page.send(**SECOND)
        asked = page.html.values["Mobile-asked"]
    answer = {"Mobile-asked": asked, "confirm": "create"}
    assert page.send(**{**SECOND, **answer, "Mobile": "09351234567"}).status_code == 409
    assert "مینا" in page.html.text(role="alert")
    assert page.html.values["Mobile-asked"] == ["09351234567"]
    assert creations(portal) == 2
    page.send(**SECOND, **answer)
    assert page.html.outcome == "delivered"
    assert creations(portal) == 3


def test_confirmation_is_kept_when_something_else_is_wrong(page: Page, portal: Simulator) -> None:
    """As a tick beside the number, which is then not asked about again."""
    submit(page, **FIRST)
    page = Page(page.client)
    page.send(**SECOND)
    answer = {"Mobile-asked": MOBILE, "confirm": "create"}
    assert page.send(**SECOND, **answer, Email="x@").status_code == 422
    kept = {name: page.html.values[name] for name in answer}
    assert kept == {"Mobile-asked": [MOBILE], "confirm": ["create"]}
    page.send(**SECOND, **kept)
    assert page.html.outcome == "delivered"
    assert creations(portal) == 2


def test_confirmation_is_not_kept_for_a_number_that_is_wrong(page: Page) -> None:
    """It was given for another one."""
    answer = {"Mobile-asked": MOBILE, "confirm": "create"}
    assert page.send(Mobile="0912", **answer).status_code == 422
    assert "confirm" not in page.html.values


def test_question_shows_field_by_field_what_differs(page: Page, portal: Simulator) -> None:
    """Of a contact in the portal, and of one that waits, whose labels are known too."""
    shared = {"BornDate": "۱۵ مهر ۱۳۶۹", "GenderType": "true"}
    submit(page, **FIRST, **shared)
    asked = submit(page, **SECOND, **shared, LName="رضایي", Labels="ویژه")

    def difference(label: str, stored: str, typed: str) -> str:
        return desk.DUPLICATE_DIFFERENCE.format(caption=label, stored=stored, typed=typed)

    shown = [text for _, text in asked.html.find("li") if "ثبت‌شده" in text]
    name, city = difference("نام", "سارا", "رضا"), difference("شهر", "تهران", "خالی")
    assert shown[1:] == [name, city]
    portal.respond_with = lambda _: "CreditNotEnough"
    other = {"Mobile": "09351112233", "FName": "مینا"}
    submit(page, **other, Labels="مشتری")
    asked = submit(page, **other, Labels="ویژه")
    assert difference("برچسب‌ها", "مشتری", "ویژه") in asked.html.text(data_outcome="duplicate")


def test_cancelled_question_leads_to_the_form_as_it_was_filled_in(
    page: Page, portal: Simulator
) -> None:
    """Nothing is recorded, nothing is wrong, and the question comes again with the next submit."""
    submit(page, **FIRST)
    page = Page(page.client)
    page.send(**SECOND)
    assert page.send(**SECOND, confirm="cancel").status_code == 200
    assert page.html.outcome is None
    assert page.html.values["FName"] == ["رضا"]
    assert page.html.text("title") == "با پرسش"
    assert "data-unsent" in next(page.html.find("form", id="contact-form"))[0]
    assert creations(portal) == 1
    assert page.send(**SECOND).status_code == 409


def ask_early(page: Page, mobile: str, **fields: str) -> tuple[int, str]:
    """Ask as the script does while the operator types; return the status and the HTML."""
    form = Page(page.client, page.path)
    body = {"Mobile": mobile, "csrf_token": form.html.values["csrf_token"][0], **fields}
    answer = page.client.post("/f/asking/duplicates", data=body)
    return answer.status_code, answer.text


def test_early_question_shows_the_contacts_of_the_phonebook(page: Page) -> None:
    """Its tick belongs to the form, which is then sent without another question."""
    submit(page, **FIRST)
    status, text = ask_early(page, "+98 912 123 4567")
    html = Html(text)
    assert (status, html.outcome) == (200, "duplicate")
    assert "سارا رضایی" in html.text("ul")
    ((tick, _),) = html.find("input", name="confirm")
    assert tick["value"] == "create"
    assert not list(html.find("a"))


@each(
    ("typed", "told"),
    [
        ({}, []),
        ({"FName": "سارا", "LName": " رضايي "}, []),
        ({"FName": "مینا", "LName": ""}, [("نام", "سارا", "مینا")]),
        ({"CityName": "یزد", "BornDate": "x"}, [("شهر", "تهران", "یزد")]),
        ({"JobTitle": "مدیر"}, [("سمت شغلی", desk.EMPTY, "مدیر")]),
    ],
)
def test_early_question_shows_the_present_differences_by_field(
    page: Page, typed: dict[str, str], told: list[tuple[str, str, str]]
) -> None:
    """Fields that are empty may still be filled in, and wrong ones corrected."""
    submit(page, **FIRST)
    html = Html(ask_early(page, MOBILE, **typed)[1])
    texts = [
        desk.DUPLICATE_DIFFERENCE.format(caption=label, stored=stored, typed=new)
        for label, stored, new in told
    ]
    assert [text for _, text in html.find("li")][1:] == texts


@each(
    ("mobile", "fields"),
    [("09129999999", {}), ("0912", {}), ("", {}), (MOBILE, {"csrf_token": "forged"})],
)
def test_early_question_without_a_known_number_or_token_is_empty(
    page: Page, mobile: str, fields: dict[str, str]
) -> None:
    """Unknown, half-typed, missing; and a page that is not ours."""
    submit(page, **FIRST)
    assert ask_early(page, mobile, **fields) == (204, "")


@each("slug", ["other", "signup", "nowhere"])
def test_early_question_of_another_form_is_not_found(app: Flask, page: Page, slug: str) -> None:
    """A visitor's above all."""
    submit(page, **FIRST)
    answer = app.test_client().post(f"/f/{slug}/duplicates", data={"Mobile": MOBILE})
    assert answer.status_code == 404


def test_known_contact_is_not_shown_under_a_foreign_host(app: Flask, page: Page) -> None:
    """A name that an attacker may have pointed at us (DNS rebinding)."""
    submit(page, **FIRST)
    body = {"Mobile": MOBILE, "csrf_token": page.token}
    for path in ("/", "/f/asking/duplicates"):
        answer = app.test_client().post(path, data=body, base_url="http://evil.example")
        assert answer.status_code == 403
        assert "سارا" not in answer.text


def test_number_that_waits_in_the_outbox_is_known(page: Page, portal: Simulator) -> None:
    """Though the portal cannot be asked."""
    portal.respond_with = lambda _: "CreditNotEnough"
    assert submit(page, **FIRST).html.outcome == "queued"
    page = submit(page, **SECOND)
    assert page.html.outcome == "duplicate"
    assert "سارا رضایی" in page.html.text(role="alert")


def test_waiting_contact_has_the_day_that_it_was_in_iran(
    app: Flask, page: Page, portal: Simulator
) -> None:
    """After half past eight in the evening, UTC, it is the next day."""
    portal.respond_with = lambda _: "CreditNotEnough"
    submit(page, **FIRST)
    delivery = app.extensions[EXTENSION].delivery
    with delivery.database.write() as connection:
        connection.execute(update(table).values(created_at=datetime(2026, 3, 20, 21)))  # noqa: DTZ001
    (known,) = delivery.duplicates.with_mobile(MOBILE)
    assert known.changed_on == date(2026, 3, 21)


def test_same_form_sent_again_is_not_asked_about(page: Page, portal: Simulator) -> None:
    """A double click, or a reload."""
    page.send(follow=False, **FIRST)
    assert page.send(**FIRST).status_code == 200
    assert page.html.outcome == "delivered"
    assert creations(portal) == 1


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Page:
    """Return the form of an app that gives a look-up no more time than outside of tests."""
    monkeypatch.setattr(services, "DEADLINE_S", phonebook.DEADLINE_S)
    found: Page = request.getfixturevalue("page")
    return found


@pytest.mark.parametrize("fault", ["Token_NotAllowMethod", "Failed", Fault.SILENT, Fault.RESET])
def test_portal_without_an_answer_delays_a_submission_only_briefly(
    hurried: Page, portal: Simulator, fault: str | Fault
) -> None:
    """It goes on as without the question, and does not pause the queue."""
    page = hurried
    submit(page, **FIRST)

    def mood(call: Captured) -> str | Fault:
        return fault if call.path.endswith("ContactSearch") else "Success"

    portal.respond_with = mood
    start = time.monotonic()
    assert submit(page, **SECOND).html.outcome == "delivered"
    assert time.monotonic() - start < 15  # or it would be a call's deadline
    searches = len([call for call in portal.requests if call.path.endswith("ContactSearch")])
    assert submit(page, **SECOND).html.outcome == "delivered"
    again = len([call for call in portal.requests if call.path.endswith("ContactSearch")])
    assert (again == searches) == (fault == "Token_NotAllowMethod")


def test_database_that_fails_is_not_hidden_by_the_question(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submission says so itself."""
    fail = Mock(side_effect=DatabaseError("OperationalError"))
    monkeypatch.setattr(Outbox, "find", fail)
    monkeypatch.setattr(Outbox, "add", fail)
    assert submit(page, **FIRST).html.outcome == "unstored"


def test_other_forms_do_not_ask(app: Flask, page: Page, portal: Simulator) -> None:
    """A form without the question, and a visitor's, which must not reveal known numbers."""
    submit(page, **FIRST)
    other = Page(app.test_client(), "/f/other")
    other.send(**SECOND)
    assert other.html.outcome == "delivered"
    assert creations(portal) == 2
    with pytest.raises(DefinitionError, match="intranet forms only"):
        parse(FORMS + 'duplicates = "ask"\n', source="forms.toml")
