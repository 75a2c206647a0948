"""Correcting a contact that the portal has, from the receipt, the list or the question."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page, short_deadline

from webapp import messages
from webapp.demo import Simulator
from webapp.demo.faults import PROFILES, Fault
from webapp.demo.http import Captured, utc_now
from webapp.messages import desk
from webapp.messages import desk as texts
from webapp.portal import status_message
from webapp.web.correction import PATH

pytestmark = pytest.mark.slow

MOBILE, OTHER = "09121230029", "09121230030"
FULL: dict[str, Any] = {
    "Mobile": MOBILE,
    "FName": "سارا",
    "LName": "رضایی",
    "CityName": "تهران",
    "AddressText": "خیابان یک\r\nپلاک ۲",
    "BornDate": "۱۳۶۹/۷/۱۵",
    "Labels": ["مشتری", "نمایشگاه"],
}
FORMS = """
[forms.desk]
title = "ثبت مخاطب"
access = "intranet"
fields = "all"
label_choices = ["ویژه"]
free_labels = true
duplicates = "ask"
"""


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Return an app that edits contacts."""
    return make_app(forms=FORMS, amoot_edit=True)


@pytest.fixture
def page(client: FlaskClient) -> Page:
    """Record a contact; return its receipt."""
    page = Page(client)
    page.send(**FULL, Active="true")
    assert page.html.outcome == "delivered"
    return page


def opened(page: Page) -> Page:
    """Follow the link of the receipt; return the form, which is sent to the page of corrections."""
    (link, _) = next(
        (it, text)
        for it, text in page.html.find("a")
        if text == desk.RECENT_CORRECT and str(it["href"]).startswith("/outbox/")
    )
    correction = Page(page.client, str(link["href"]))
    correction.path = PATH
    return correction


def send(correction: Page, **changed: Any) -> int:
    """Change some fields and send the form as a browser would; return the status of the answer."""
    values = correction.html.values
    answer = correction.send(**{**values, **changed})
    return answer.history[0].status_code if answer.history else answer.status_code


def tab(correction: Page) -> Page:
    """Return the same form in another tab."""
    other = Page.__new__(Page)
    other.client, other.path, other.html = correction.client, PATH, correction.html
    return other


def edits(portal: Simulator) -> list[dict[str, str]]:
    """Return the forms of ContactEdit that the portal has got."""
    return [dict(it.pairs) for it in portal.requests if it.path.endswith("ContactEdit")]


def failing(method: str, what: str | Fault) -> Callable[[Captured], str | Fault]:
    """Return the mood of a portal where one method fails."""
    return lambda request: what if request.path.endswith(method) else "Success"


def change_in_panel(portal: Simulator, **values: object) -> None:
    """Change the last contact as in the portal's panel."""
    contact = portal.contacts[-1]
    stored = {name: it for name, it in contact.items() if name not in {"ID", "GenderTypeStr"}}
    portal._phonebook.edit(str(contact["ID"]), {**stored, **values}, portal.profile, utc_now())  # noqa: SLF001


def test_delivered_contact_is_corrected_by_one_call_that_keeps_the_rest(
    page: Page, portal: Simulator
) -> None:
    """The form has what the portal has; labels are not sent; the receipt and the list follow."""
    portal.profile = PROFILES["reshaped-texts"]
    correction = opened(page)
    shown = correction.html.values
    assert (shown["FName"], shown["BornDate"]) == (["سارا"], ["۱۳۶۹/۷/۱۵"])
    assert "Labels" not in shown
    assert texts.LABELS_SENT.format(labels="مشتری، نمایشگاه") in correction.html.text(id="reasons")
    assert send(correction, FName="سارینا", CityName="", Mobile=OTHER) == 303
    assert correction.html.outcome == "corrected"
    assert desk.RECEIPTS["corrected"] in correction.html.text(role="status")
    (sent,) = edits(portal)
    assert "Labels" not in sent
    (stored,) = portal.contacts
    assert (stored["FName"], stored["CityName"]) == ("سارینا", None)
    assert (stored["Mobile"], stored["Labels"]) == (989121230030, FULL["Labels"])
    assert stored["BornDate"].startswith("1990-10-07")
    # The list has the new number, and corrects it again.
    again = opened(correction)
    assert again.html.values["Mobile"] == [OTHER]


def test_form_sent_again_and_back_call_the_portal_once(page: Page, portal: Simulator) -> None:
    """As after a double click, a reload or Back: what is so already is not sent."""
    correction = opened(page)
    for one in (correction, tab(correction)):
        assert send(one, FName="سارینا", Mobile=OTHER) == 303
        assert one.html.outcome == "corrected"
    assert len(edits(portal)) == 1
    untouched = opened(correction)
    assert send(untouched) == 303
    assert untouched.html.outcome == "kept"  # not corrected: nothing was
    assert len(edits(portal)) == 1


def test_contact_that_was_changed_meanwhile_is_shown_again_and_merged(
    page: Page, portal: Simulator
) -> None:
    """Nothing is sent until the operator has seen it; then both changes stay."""
    correction = opened(page)
    change_in_panel(portal, CityName="قم")
    assert send(correction, FName="سارینا") == 409
    assert correction.html.outcome == "changed"
    line = texts.CHANGED_FIELD.format(caption="شهر", before="تهران", now="قم")
    told = correction.html.text(id="reasons")
    assert texts.CHANGED_MEANWHILE in told
    assert line in told
    values = correction.html.values
    assert (values["FName"], values["CityName"]) == (["سارینا"], ["قم"])
    assert edits(portal) == []
    assert send(correction) == 303
    assert [(it["FName"], it["CityName"]) for it in portal.contacts] == [("سارینا", "قم")]


def test_second_tab_learns_of_the_first_ones_correction(page: Page, portal: Simulator) -> None:
    """Both had the same form."""
    first, second = opened(page), opened(page)
    assert send(first, FName="سارینا") == 303
    assert send(second, FName="سمیرا") == 409
    assert "سارینا" in second.html.text(id="reasons")
    assert second.html.values["FName"] == ["سمیرا"]
    assert send(second) == 303
    assert [it["FName"] for it in portal.contacts] == ["سمیرا"]


@short_deadline
def test_lost_answer_is_called_uncertain_and_another_lookup_shows_the_result(
    page: Page, portal: Simulator
) -> None:
    """Sent again, it is no second change."""
    correction = opened(page)
    portal.respond_with = failing("ContactEdit", Fault.APPLIED_THEN_SILENT)
    assert send(correction, FName="سارینا", Mobile=OTHER) == 503
    assert correction.html.outcome == "uncertain"
    assert texts.PERHAPS_CORRECTED in correction.html.text(id="reasons")
    assert correction.html.values["FName"] == ["سارینا"]
    look = tab(correction)
    assert send(look, look="1") == 200
    assert look.html.outcome is None
    assert (look.html.values["FName"], look.html.values["Mobile"]) == (["سارینا"], [OTHER])
    assert send(correction) == 303
    assert correction.html.outcome == "corrected"
    assert len(edits(portal)) == 1


def test_every_failure_of_the_change_has_a_true_sentence(page: Page, portal: Simulator) -> None:
    """What was typed stays where the form stays."""
    cases: dict[str | Fault, tuple[int, str, str | None]] = {
        "Mobile_Invalid": (422, status_message("Mobile_Invalid"), "invalid"),
        "Length_Exceeded": (422, status_message("Length_Exceeded"), "invalid"),
        "Token_NotAllowMethod": (503, texts.NOT_CORRECTED, "unchanged"),
        "User_NotAllowMethod": (503, texts.NOT_CORRECTED, "unchanged"),
        "Token_Expired": (503, texts.NOT_CORRECTED, "unchanged"),
        Fault.HTTP_429: (503, texts.NOT_CORRECTED, "unchanged"),
        "ContactID_Invalid": (409, texts.GONE, None),
        Fault.HTTP_502: (503, texts.PERHAPS_CORRECTED, "uncertain"),
        "Failed": (503, texts.PERHAPS_CORRECTED, "uncertain"),
        Fault.EMPTY: (503, texts.PERHAPS_CORRECTED, "uncertain"),
    }
    for what, (status, sentence, outcome) in cases.items():
        portal.respond_with = None
        correction = opened(page)
        portal.respond_with = failing("ContactEdit", what)
        assert (what, send(correction, FName="سارینا")) == (what, status)
        assert sentence in correction.html.text("main")
        assert (what, correction.html.outcome) == (what, outcome)
        if status != 409:
            assert correction.html.values["FName"] == ["سارینا"]
        assert [it["FName"] for it in portal.contacts] == ["سارا"]


def test_every_failure_of_the_lookup_says_that_nothing_changed_and_what_to_do(
    page: Page, portal: Simulator
) -> None:
    """Before the form is shown, and when it is sent."""
    form = opened(page)
    whats = ("Token_NotAllowMethod", "Token_Invalid", "ServerError", Fault.HTTP_502, Fault.HTML)
    for what in whats:
        portal.respond_with = failing("ContactSearch", what)
        html = opened(page).html
        assert texts.NOT_LOOKED_UP in html.text(id="reasons")
        assert all(step in html.text("main") for step in texts.DELIVERED_STEPS)
        sent = tab(form)
        assert send(sent, FName="سارینا") == 503
        assert sent.html.values["FName"] == ["سارینا"]
    assert edits(portal) == []


def test_lookup_with_a_paused_queue_makes_no_call_and_shows_the_reason(
    page: Page, portal: Simulator
) -> None:
    """A person does not wait for a portal that refuses the account."""
    portal.respond_with = failing("ContactCreate", "CreditNotEnough")
    Page(page.client).send(Mobile=OTHER, FName="رضا")
    before = len([it for it in portal.requests if it.path.endswith("ContactSearch")])
    html = opened(page).html
    assert status_message("CreditNotEnough") in html.text(id="reasons")
    assert before == len([it for it in portal.requests if it.path.endswith("ContactSearch")])


def test_contact_that_was_deleted_meanwhile_is_not_changed(page: Page, portal: Simulator) -> None:
    """Neither where it was shown before, nor when it is looked up."""
    correction = opened(page)
    portal._phonebook.delete(str(portal.contacts[0]["ID"]), utc_now())  # noqa: SLF001
    assert send(correction, FName="سارینا") == 409
    assert texts.GONE in correction.html.text(id="reasons")
    assert texts.NOTHING_CHANGED in correction.html.text(id="reasons")
    assert edits(portal) == []
    assert texts.NOT_FOUND in opened(page).html.text(id="reasons")
    values = {**correction.html.values, "look": "1"}
    assert page.client.post(PATH, data=values).status_code == 404


def test_one_of_several_contacts_is_chosen(page: Page, portal: Simulator) -> None:
    """Each by its button; deleted ones are not offered."""
    for name in ("رضا", "مینا"):
        other = Page(page.client)
        other.send(**{**FULL, "FName": name}, confirm="create")
    portal._phonebook.delete(str(portal.contacts[-1]["ID"]), utc_now())  # noqa: SLF001
    correction = opened(page)
    buttons = {
        correction.html.text(id=str(it["aria-describedby"])): it["value"]
        for it, _ in correction.html.find("button", name="contact")
    }
    assert [name.partition("،")[0] for name in buttons] == ["سارا رضایی", "رضا رضایی"]
    (target,) = correction.html.values["target"]
    chosen = list(buttons.values())[1]
    answer = page.client.post(PATH, data={"target": target, "contact": chosen})
    correction.html = Html(answer.text)
    assert correction.html.values["FName"] == ["رضا"]
    assert send(correction, FName="رامین") == 303
    assert [it["FName"] for it in portal.contacts] == ["سارا", "رامین"]


def test_number_that_is_known_is_asked_about_before_a_correction(
    page: Page, portal: Simulator
) -> None:
    """As on the form; the answer sends it."""
    Page(page.client).send(Mobile=OTHER, FName="رضا")
    receipt = Page(page.client)
    row = next(it for it, text in receipt.html.find("th") if "سارا" in text)
    correction = Page(page.client, f"/outbox/{row['id']}")
    correction.path = PATH
    assert send(correction, Mobile=OTHER) == 409
    assert correction.html.outcome == "duplicate"
    assert edits(portal) == []
    assert send(correction, confirm="cancel") == 200
    assert correction.html.values["Mobile"] == [OTHER]
    assert send(correction) == 409
    assert send(correction, confirm="create") == 303
    assert len(edits(portal)) == 1


def test_correction_leaves_no_trace_of_the_contact_in_log_and_address(
    page: Page, portal: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Only its reference and result."""
    caplog.set_level(logging.DEBUG)
    correction = opened(page)
    values = {**correction.html.values, "FName": "سارینا"}
    answer = page.client.post(PATH, data=values)
    assert answer.location == "/"
    portal.respond_with = failing("ContactSearch", Fault.HTTP_502)
    opened(Page(page.client))
    told = [it.getMessage() for it in caplog.records if "correction:" in it.getMessage()]
    assert [it.split()[2] for it in told] == ["corrected", "HTTP_502"]
    assert not [word for word in ("سار", MOBILE, MOBILE[1:]) if word in caplog.text]


def test_form_that_is_not_ours_changes_nothing(page: Page, portal: Simulator) -> None:
    """A changed target, and none; an expired token keeps what was typed."""
    correction = opened(page)
    (target,) = correction.html.values["target"]
    for wrong in ("", target[:-2]):
        assert page.client.post(PATH, data={"target": wrong}).status_code == 400
    answer = page.client.post(PATH, data={**correction.html.values, "csrf_token": "x"})
    assert answer.status_code == 422
    assert messages.FORM_EXPIRED in Html(answer.text).text(role="alert")
    assert edits(portal) == []


# The question about a known number


def asked(page: Page, **typed: Any) -> Page:
    """Send a second contact with the number; return the question."""
    question = Page(page.client)
    question.send(**{"Mobile": MOBILE, "FName": "سارینا", **typed})
    assert question.html.outcome == "duplicate"
    return question


def test_question_shows_which_labels_the_stored_contact_has(page: Page, portal: Simulator) -> None:
    """Those that were typed or are offered, with one call for each and no more than eight."""
    portal.requests.clear()
    typed = ["مشتری", "نمایشگاه", *(f"برچسب {number}" for number in range(9))]
    question = asked(page, Labels="،".join(typed))
    lines = [text for _, text in question.html.find("li")]
    assert desk.DUPLICATE_LABELS.format(labels="مشتری، نمایشگاه") in lines
    assert desk.DUPLICATE_NO_LABELS.format(labels="، ".join(typed[2:8])) in lines
    assert len([it for it in portal.requests if it.path.endswith("ContactSearch")]) == 9


def test_question_says_nothing_of_labels_that_could_not_be_searched(
    page: Page, portal: Simulator
) -> None:
    """The rest is told."""
    portal.profile = PROFILES["labels-refused"]
    told = asked(page, Labels="مشتری").html.text(data_outcome="duplicate")
    assert "سارا رضایی" in told
    assert "برچسب" not in told


def test_stored_contact_is_kept_by_a_button(page: Page, portal: Simulator) -> None:
    """The receipt shows it, and the form is empty."""
    question = asked(page)
    question.send(**{**question.html.values, "confirm": "keep"})
    assert question.html.outcome == "kept"
    assert desk.RECEIPTS["kept"] in question.html.text(role="status")
    assert question.html.values["FName"] == [""]
    assert [it["FName"] for it in portal.contacts] == ["سارا"]


def test_stored_contact_is_corrected_with_what_was_typed(page: Page, portal: Simulator) -> None:
    """The operator sees the result first; what was not typed stays."""
    question = asked(page)
    question.send(**{**question.html.values, "confirm": "update"})
    values = question.html.values
    assert (values["FName"], values["CityName"]) == (["سارینا"], ["تهران"])
    assert [it["FName"] for it in portal.contacts] == ["سارا"]
    question.path = PATH
    assert send(question) == 303
    assert question.html.outcome == "corrected"
    assert [(it["FName"], it["CityName"]) for it in portal.contacts] == [("سارینا", "تهران")]


def test_question_offers_no_correction_where_it_is_off(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """And an answer that claims it nevertheless is asked again."""
    page = Page(make_app(forms=FORMS).test_client())
    page.send(**FULL)
    question = asked(page)
    assert [it["value"] for it, _ in question.html.find("button", name="confirm")] == [
        *("create", "keep", "cancel")
    ]
    assert question.send(**{**question.html.values, "confirm": "update"}).status_code == 409
    assert len(portal.contacts) == 1
