"""The operators' page: from what is typed to what the portal stores and the page says."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from support import FULL_FORM, FULL_SENT, TOKEN, Html, Page, short_deadline
from tables import each

from webapp import messages, persian
from webapp.contact import FIELDS
from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.demo.faults import Fault
from webapp.messages.alerts import STATUS_MESSAGES
from webapp.outbox import Outbox
from webapp.web.security import MAX_BODY_BYTES

MOBILE = "۰۹۱۲۱۲۳۴۵۶۷"
TEXTS = ("text", "lines")  # the kinds of fields that hold free text


def test_six_fields_come_first_and_the_rest_opens_on_demand(page: Page) -> None:
    """What people fill in every time stands outside the details element."""
    (details,) = page.html.find("details")
    assert "open" not in details[0]
    inside = details[1]
    assert all(FIELDS[name].caption not in inside for name in ("Mobile", "CityName", "Labels"))
    assert all(
        FIELDS[name].caption in inside for name in ("JobTitle", "AddressText", "CustomDate3")
    )


def test_full_contact_reaches_the_portal_field_by_field(page: Page, portal: Simulator) -> None:
    """Everything an operator types arrives normalised, under the portal's names."""
    response = page.send(**FULL_FORM)
    assert response.status_code == 200
    assert page.html.outcome == "delivered"
    (request,) = portal.requests
    assert request.headers["Authorization"] == TOKEN
    sent: dict[str, Any] = {}
    for name, value in request.pairs:
        sent.setdefault(name, []).append(value)
    assert {name: v if name == "Labels" else v[0] for name, v in sent.items()} == FULL_SENT


def test_success_is_flashed_after_a_303_with_a_reference(page: Page) -> None:
    """A reload after success sends nothing again."""
    response = page.send(Mobile=MOBILE, follow=False)
    assert (response.status_code, page.client.get(response.location).location) == (303, "/")
    again = Html(page.client.get("/").text)
    ((message, text),) = again.find(role="status")
    assert message["data-outcome"] == "delivered"
    assert str(message["data-reference"]) in text.replace(" ", "")
    assert Html(page.client.get("/").text).outcome is None


def test_browser_that_blocks_cookies_shows_the_receipt_too(app: Flask) -> None:
    """From the address, which has no name; the next form's errors do not repeat it."""
    page = Page(app.test_client(use_cookies=False))
    page.path = page.send(Mobile=MOBILE, follow=False).location
    assert "912" not in page.path
    page.html = Html(page.client.get(page.path).text)
    assert page.html.outcome == "delivered"
    page.send(Mobile="0912")
    assert page.html.outcome == "invalid"
    page.send(Mobile="09351234567")
    assert page.html.outcome == "delivered"


def test_after_a_success_the_form_is_empty_and_the_cursor_stands_in_mobile(page: Page) -> None:
    """The next contact can be typed at once."""
    page.send(Mobile=MOBILE, FName="علی", CityName="تهران", Labels=["مشتری", "ویژه"], keep="")
    assert {name: v for name, v in page.html.values.items() if any(v) and name != "csrf_token"} == {
        "Active": ["true"]
    }
    ((focused, _),) = [found for found in page.html.find("input") if "autofocus" in found[0]]
    assert focused["id"] == "Mobile"


def test_city_and_labels_stay_if_the_operator_ticked_it(page: Page) -> None:
    """They stay until the operator unticks it, and nothing else stays."""
    kept = {"CityName": "تهران", "Labels": ["مشتری", "ویژه، نو"]}
    page.send(Mobile=MOBILE, FName="علی", keep="true", **kept)
    values = page.html.values
    assert values["CityName"] == ["تهران"]
    assert values["Labels"] == ["مشتری", "ویژه، نو"]
    assert values["keep"] == ["true"]
    assert values["FName"] == [""]
    page.send(Mobile=MOBILE, **kept)
    assert page.html.values["CityName"] == [""]


def test_invalid_form_answers_422_with_summary_errors_and_everything_typed(page: Page) -> None:
    """Nothing that was typed is lost, and every error stands at its field and in the summary."""
    typed = {
        "Mobile": "۰۹۱۲ ۱۲۳",
        "FName": " علي ",
        "Email": "a@",
        "AddressText": "یک\nدو",
        "BornDate": "۱۴۰۴/۱۲/۳۰",
        "Labels": ["همکار", "الف؛ ب"],
        "GenderType": "false",
        "keep": "true",
    }
    response = page.send(**typed)
    assert response.status_code == 422
    assert page.html.outcome == "invalid"
    assert page.html.text("title") == "خطا: ثبت مخاطب"
    values = page.html.values
    assert values["Mobile"] == ["۰۹۱۲ ۱۲۳"]
    assert values["FName"] == [" علي "]
    assert values["BornDate"] == ["۱۴۰۴/۱۲/۳۰"]
    assert values["Labels"] == ["همکار", "الف؛ ب"]
    assert values["GenderType"] == ["false"]
    assert values["AddressText"] == ["یک دو"]  # the reader of these tests folds white space
    assert "Active" not in values
    summary = page.html.text(role="alert")
    for name in ("Mobile", "Email", "BornDate"):
        ((attributes, _),) = page.html.find("input", id=name)
        assert attributes["aria-invalid"] == "true"
        assert f"{name}-error" in str(attributes["aria-describedby"]).split()
        assert page.error(name) in summary
        assert next(page.html.find("a", href=f"#{name}"))
    assert page.error("Mobile") == "شمارهٔ همراه باید ۱۱ رقم باشد؛ ۷ رقم وارد شده است."
    assert "open" in next(page.html.find("details"))[0]


@pytest.mark.parametrize("path", ["/", "/f/signup"])
def test_date_may_come_in_three_parts_or_in_one_text(
    client: FlaskClient, portal: Simulator, path: str
) -> None:
    """On each kind of page, both ways are read."""
    parts = {"BornDate-day": "۱۵", "BornDate-month": "7", "BornDate-year": "۱۳۶۹"}
    Page(client, path).send(Mobile=MOBILE, consent="true", **parts)
    Page(client, path).send(Mobile=MOBILE, consent="true", BornDate="۱۳۶۹/۷/۱۵")
    assert [contact["BornDate"][:10] for contact in portal.contacts] == ["1990-10-07"] * 2


def test_date_in_parts_keeps_its_parts_after_an_error(client: FlaskClient) -> None:
    """A wrong day leaves day, month and year where they were typed."""
    page = Page(client, "/f/signup")
    page.send(
        **{"Mobile": MOBILE, "BornDate-day": "۳۱", "BornDate-month": "7", "BornDate-year": "۱۳۶۹"}
    )
    assert page.error("BornDate") == "مهر ۱۳۶۹ روز ۳۱ ندارد."
    assert page.html.values["BornDate-day"] == ["۳۱"]
    assert page.html.values["BornDate-year"] == ["۱۳۶۹"]
    assert "مهر" in page.html.selected
    assert page.html.text("a", href="#BornDate-day") == "تاریخ تولد: مهر ۱۳۶۹ روز ۳۱ ندارد."


@each(
    ("typed", "wrong"),
    [
        (("۳۱", "7", "۱۳۶۹"), ["day"]),
        (("", "7", "۱۳۶۹"), ["day"]),
        (("", "7", ""), ["day", "year"]),
        (("سی", "7", "۱۳۶۹"), ["day"]),
        (("۱۵", "13", "۱۳۶۹"), ["month"]),
        (("۱۵", "7", "۶۹"), ["year"]),
        (("۱۵", "7", "۱۲۰۰"), ["year"]),
        (("۱۵", "7", "۱۴۹۹"), ["year"]),
    ],
)
def test_only_the_wrong_part_of_a_date_is_marked_and_linked(
    client: FlaskClient, typed: tuple[str, str, str], wrong: list[str]
) -> None:
    """The others stay neutral; the summary names the field."""
    page = Page(client, "/f/signup")
    ids = [f"BornDate-{part}" for part in persian.DATE_PARTS]
    page.send(Mobile=MOBILE, **dict(zip(ids, typed, strict=True)))
    inputs = {it.get("id"): it for tag in ("input", "select") for it, _ in page.html.find(tag)}
    marked = [part for part in ids if inputs[part].get("aria-invalid")]
    assert marked == [f"BornDate-{part}" for part in wrong]
    assert all(inputs[it].get("aria-describedby") == "BornDate-error" for it in marked)
    assert page.html.text("a", href=f"#{marked[0]}").startswith("تاریخ تولد")


def test_text_sent_to_a_form_in_parts_is_spread_over_them(client: FlaskClient) -> None:
    """What was understood is shown in parts; what was not stays as it is."""
    page = Page(client, "/f/signup")
    page.send(Mobile="", BornDate="۱۵ مهر ۱۳۶۹")
    assert page.html.values["BornDate-day"] == ["۱۵"]
    assert "مهر" in page.html.selected
    page.send(Mobile="", BornDate="دیروز")
    assert page.html.values["BornDate-day"] == ["دیروز"]


def test_what_was_understood_of_a_date_is_shown_after_an_error(page: Page) -> None:
    """The server's page says the date in words when another field is wrong."""
    page.send(Mobile="", BornDate="13690715")
    assert "یکشنبه ۱۵ مهر ۱۳۶۹" in page.html.text("details")


def test_contact_that_the_portal_refuses_comes_back_at_its_field(
    page: Page, portal: Simulator
) -> None:
    """The portal's word stands at the field, with the status name for the operator."""
    portal.answer("Mobile_Invalid")
    response = page.send(Mobile=MOBILE, FName="علی")
    assert response.status_code == 422
    assert page.html.outcome == "rejected"
    assert page.error("Mobile") == STATUS_MESSAGES["Mobile_Invalid"]
    assert page.html.values["FName"] == ["علی"]
    assert "Mobile_Invalid" in page.html.text(role="alert")


def test_refusal_that_names_no_field_stands_in_the_summary(page: Page, portal: Simulator) -> None:
    """A length that the portal refuses without naming the field is reported at the top."""
    portal.answer("Length_Exceeded")
    assert page.send(Mobile=MOBILE).status_code == 422
    assert STATUS_MESSAGES["Length_Exceeded"] in page.html.text(role="alert")


@pytest.mark.parametrize("status", ["Token_Expired", "CreditNotEnough", "System_Disabled"])
def test_account_or_token_error_is_shown_to_the_operator(
    page: Page, portal: Simulator, status: str
) -> None:
    """That it is stored, the message, the status name; every page says that the queue is paused."""
    portal.answer(status)
    assert page.send(**FULL_FORM).status_code == 200
    assert page.html.outcome == "queued"
    told = page.html.text(data_outcome="queued")
    assert messages.QUEUED in told
    assert STATUS_MESSAGES[status] in told
    assert status in told
    banner = Page(page.client).html.text(data_pause=status)
    assert messages.PAUSE_ENDS in banner
    assert STATUS_MESSAGES[status] in banner
    assert messages.WAITING.format(n="۱") in banner


@short_deadline
@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.RESET, Fault.HTML, "ServerError"])
def test_what_a_silent_or_broken_portal_may_have_is_stored(
    page: Page, portal: Simulator, fault: Fault | str
) -> None:
    """The page shows it with the portal's status; nothing has to be typed again."""
    portal.answer(fault)
    assert page.send(Mobile=MOBILE).status_code == 200
    assert messages.QUEUED in page.html.text(data_outcome="queued")


def test_unreachable_portal_is_shown(page: Page, portal: Simulator) -> None:
    """The contact is stored, and the next one is not even tried."""
    portal.close()
    assert page.send(Mobile=MOBILE).status_code == 200
    assert "ConnectionFailed" in page.html.text(data_outcome="queued")
    assert page.send(Mobile="09121234568").status_code == 200
    assert messages.WAITING.format(n="۲") in page.html.text(data_pause="ConnectionFailed")


@pytest.mark.parametrize("path", ["/f/signup", "/embed/signup"])
def test_visitor_never_sees_the_accounts_troubles(
    client: FlaskClient, portal: Simulator, path: str
) -> None:
    """A public form says that it was received, with a reference, and no more."""
    portal.answer("CreditNotEnough")
    for mobile in (MOBILE, "09121234568"):
        page = Page(client, path)
        response = page.send(Mobile=mobile, consent="true")
        assert response.status_code == 200
        assert page.html.outcome == "queued"
        assert messages.RECEIVED_PUBLIC in page.html.text(data_outcome="queued")
        receipt = response.request.args["r"].split(".")[0]
        known = response.text + base64.urlsafe_b64decode(receipt + "==").decode()
        assert not any(word in known for word in ("CreditNotEnough", "data-pause", "اعتبار"))


def test_forms_own_success_text_waits_for_the_success(
    make_app: Callable[..., Flask], portal: Simulator
) -> None:
    """Its text may state a registration, which must not be claimed of a queued submission."""
    forms = (
        '[forms.event]\ntitle = "همایش"\naccess = "public"\nfields = ["Mobile"]\n'
        'success = "ثبت‌نام شما انجام شد."\n'
    )
    page = Page(make_app(forms=forms).test_client(), "/f/event")
    portal.answer("ServerError")
    page.send(Mobile=MOBILE)
    assert page.html.outcome == "queued"
    assert "انجام شد" not in page.html.text("main")


def test_failure_of_the_database_is_shown_as_not_recorded(
    make_app: Callable[..., Flask], portal: Simulator, tmp_path: Path
) -> None:
    """503, nothing sent, everything typed still there; the same form can be sent again."""
    (tmp_path / "file").touch()
    page = Page(make_app(database_url=f"sqlite:///{tmp_path}/file/x").test_client())
    assert page.send(**FULL_FORM).status_code == 503
    assert page.html.outcome == "unstored"
    summary = page.html.text(role="alert")
    assert messages.UNSTORED in summary
    assert STATUS_MESSAGES["StoreFailed"] in summary
    assert page.html.values["Mobile"] == [FULL_FORM["Mobile"]]
    assert page.html.values["Labels"] == FULL_FORM["Labels"]
    assert not portal.requests


@short_deadline
@pytest.mark.slow
@pytest.mark.parametrize("reads", [True, False])
def test_commit_whose_answer_was_lost_is_not_called_unrecorded(
    page: Page, portal: Simulator, monkeypatch: pytest.MonkeyPatch, *, reads: bool
) -> None:
    """If the store can be asked, that is; if not, the form is still the same submission."""
    add = Outbox.add
    fail = Mock(side_effect=DatabaseError("OperationalError"))

    def lose_the_answer(*args: Any, **kwargs: Any) -> None:
        add(*args, **kwargs)
        fail()

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "add", lose_the_answer)
        if not reads:
            patch.setattr(Outbox, "find", fail)
        assert page.send(Mobile=MOBILE).status_code == (200 if reads else 503)
        assert page.html.outcome == ("queued" if reads else "unstored")
    if not reads:
        assert page.send(Mobile=MOBILE).status_code == 200
        assert page.html.outcome == "queued"  # its first owner has vanished with the answer
    assert not portal.contacts


def test_what_was_rejected_can_be_sent_again_unchanged(page: Page, portal: Simulator) -> None:
    """The portal may be mended meanwhile; the old page, sent again, is answered as before."""
    token = page.token
    portal.answer("Mobile_Invalid")
    assert page.send(Mobile=MOBILE).status_code == 422
    assert page.client.post("/", data={"csrf_token": token, "Mobile": MOBILE}).status_code == 422
    assert not portal.contacts
    assert page.send(Mobile=MOBILE).status_code == 200
    assert len(portal.contacts) == 1


def test_unknown_form_is_not_found(client: FlaskClient) -> None:
    """A slug that no definition has is 404."""
    assert client.get("/f/nowhere").status_code == 404


@each("typed", ["<script>alert(1)</script>", "{{7*7}}", '"><img src=x onerror=alert(1)>', "&amp;"])
def test_markup_is_shown_as_it_was_typed(page: Page, typed: str) -> None:
    """Nothing that is typed becomes part of the page."""
    page.send(Mobile="", FName=typed, AddressText=typed)
    assert page.html.values["FName"] == [typed]
    assert page.html.values["AddressText"] == [typed]
    assert not list(page.html.find("img"))


@each(
    ("name", "longest"),
    [(row.name, row.max_length) for row in FIELDS.values() if row.kind.value in TEXTS],
)
def test_text_is_refused_when_it_is_too_long_by_one(page: Page, name: str, longest: int) -> None:
    """The longest text passes, one more character does not."""
    assert page.send(Mobile=MOBILE, **{name: "ا" * longest}).status_code == 200
    assert page.send(Mobile=MOBILE, **{name: "ا" * (longest + 1)}).status_code == 422
    assert "طولانی است" in page.error(name)


def test_longest_contact_is_accepted_when_a_browser_sends_it(page: Page, portal: Simulator) -> None:
    """URL-encoded, every field at its greatest length is more than an invalid form may be."""
    assert next(page.html.find("form"))[0].get("enctype") is None
    fields: dict[str, Any] = {
        row.name: "ض" * row.max_length for row in FIELDS.values() if row.kind.value in TEXTS
    }
    dates = {row.name: "۳۰ شهریور ۱۳۶۹" for row in FIELDS.values() if row.kind.value == "date"}
    labels = "،".join(f"{number:02}" + "ض" * 48 for number in range(20))
    response = page.send(follow=False, Mobile=MOBILE, Labels=labels, **fields, **dates)
    assert (response.request.content_length or 0) > MAX_BODY_BYTES
    assert response.status_code == 303
    assert len(portal.contacts[0]["Labels"]) == 20


def test_choice_that_is_not_offered_is_refused(page: Page) -> None:
    """Gender is true, false or empty."""
    assert page.send(Mobile=MOBILE, GenderType="True").status_code == 422
    assert "جنسیت" in page.error("GenderType")


def test_longest_public_form_fits_into_the_body_limit(make_app: Callable[..., Flask]) -> None:
    """It is sent URL-encoded, in which a Persian letter takes six bytes."""
    forms = '[forms.all]\ntitle = "عضویت"\naccess = "public"\nfields = "all"\n'
    page = Page(make_app(forms=forms).test_client(), "/f/all")
    assert next(page.html.find("form"))[0].get("enctype") is None
    texts = {row.name: "ض" * row.max_length for row in FIELDS.values() if row.kind.value in TEXTS}
    dates = {row.name: "۳۰ شهریور ۱۳۶۹" for row in FIELDS.values() if row.kind.value == "date"}
    typed = page.html.values | texts | dates | {"Mobile": [MOBILE]}
    assert len(urlencode(typed, doseq=True)) < MAX_BODY_BYTES


@pytest.mark.parametrize("typed", ["false", "0", "off", ""])
def test_active_is_mapped_explicitly(page: Page, portal: Simulator, typed: str) -> None:
    """What reads as true in Python is not true here."""
    page.send(Mobile=MOBILE, Active=typed)
    assert portal.contacts[-1]["Active"] is False


@pytest.mark.slow
@given(
    fields=st.dictionaries(
        st.sampled_from([*FIELDS, "BornDate-day", "BornDate-month", "BornDate-year", "keep"]),
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=3),
    )
)
def test_whatever_is_typed_is_answered_and_never_lost(
    client: FlaskClient, fields: dict[str, list[str]]
) -> None:
    """No text in any field breaks the app; what a page shows again is what was typed."""
    page = Page(client)
    response = page.client.post("/", data={**fields, "csrf_token": page.token, "Email": "x"})
    assert response.status_code == 422
    typed = (fields.get("FName") or [""])[0].replace("\0", "")
    assert f'value="{escape(typed)}"' in response.text


@each("name", ["FName", "AddressText", "Labels", "BornDate", "Mobile", "Email"])
@each("typed", ["\u0654", "\u0301" * 500, "\u202e", "\u200c\u200c", "\u200f"])
@pytest.mark.slow
def test_text_of_only_marks_and_invisible_characters_breaks_nothing(
    page: Page, name: str, typed: str
) -> None:
    """They are an empty value, a text, or an error at the field."""
    assert page.send(**{"Mobile": MOBILE, name: typed}).status_code in (200, 422)


def test_repeated_field_counts_once(page: Page, portal: Simulator) -> None:
    """The first value is taken, the page answers."""
    page.send(Mobile=[MOBILE, "۰۹۳۵۰۰۰۰۰۰۰"], Nonsense="1")
    assert portal.contacts[-1]["Mobile"] == 989121234567


@pytest.fixture
def choosy(make_app: Callable[..., Flask]) -> Page:
    """Return a form with required choices, hints of its own, and a city but no labels to keep."""
    forms = """
        [forms.choosy]
        title = "انتخاب"
        access = "intranet"
        fields = ["Mobile", "GenderType", "Labels", "Active"]
        required = ["GenderType", "Labels"]
        label_choices = ["مشتری", "همکار"]

        [forms.choosy.hints]
        GenderType = "برای خطاب در پیامک"
        Labels = "دست‌کم یکی"
        Active = "غیرفعال پیامک نمی‌گیرد"
        """
    return Page(make_app(forms=forms).test_client())


def test_required_choices_are_asked_for_and_can_be_given(choosy: Page, portal: Simulator) -> None:
    """No answer that would be refused is offered; errors and hints stand at their groups."""
    assert messages.UNSPECIFIED not in choosy.html.text("main")
    assert choosy.send(Mobile=MOBILE).status_code == 422
    for name in ("GenderType", "Labels"):
        assert choosy.error(name) in choosy.html.text(role="alert")
        assert next(choosy.html.find("a", href=f"#{name}-0"))
        assert next(choosy.html.find("input", id=f"{name}-0"))
    for name in ("GenderType", "Labels", "Active"):
        described = [
            str(attributes["aria-describedby"]).split()
            for _, attributes, _ in choosy.html.elements
            if "aria-describedby" in attributes
        ]
        assert any(f"{name}-hint" in ids for ids in described)
    assert choosy.html.text("label", **{"class": "choice"}) == "خانم"
    assert "برچسب‌ها برای مخاطب بعدی بماند" in choosy.html.text("form")
    choosy.send(Mobile=MOBILE, GenderType="false", Labels="همکار")
    assert [c["GenderType"] for c in portal.contacts] == [False]


def test_operators_browsers_do_not_fill_in_their_own_data(page: Page, client: FlaskClient) -> None:
    """Operators' forms say off; visitors' forms carry the tokens."""
    assert next(page.html.find("form"))[0]["autocomplete"] == "off"
    assert next(page.html.find("input", id="FName"))[0]["autocomplete"] == "off"
    signup = Page(client, "/f/signup").html
    assert next(signup.find("input", id="FName"))[0]["autocomplete"] == "given-name"


def test_pasted_line_comes_back_divided_and_is_recorded_as_it_is_confirmed(
    page: Page, portal: Simulator
) -> None:
    """Nothing is stored before; what fits no field is shown, and what was typed stays."""
    typed = {"Mobile": "سید علی رضایی\t۰۹۱۲ ۱۲۳ ۴۵۶۷\tطبقهٔ دوم", "JobTitle": "مدیر فروش"}
    assert page.send(**typed).status_code == 422
    assert portal.contacts == []
    values = {name: page.html.values[name][0] for name in ("Mobile", "FName", "LName", "JobTitle")}
    assert list(values.values()) == ["09121234567", "سید علی", "رضایی", "مدیر فروش"]
    ((mobile, _),) = page.html.find("input", name="Mobile")
    assert "autofocus" in mobile
    assert "aria-invalid" not in mobile
    told = page.html.text(id="divided")
    assert messages.DIVIDED in told
    assert "طبقهٔ دوم" in told
    assert not list(page.html.find(role="alert"))
    assert page.send(**values).status_code == 200
    assert page.html.outcome == "delivered"
    assert [portal.contacts[0][name] for name in ("FName", "LName")] == ["سید علی", "رضایی"]


def test_city_of_a_pasted_line_fills_its_empty_field(page: Page) -> None:
    """A known one; else it would be a guess."""
    page.send(Mobile="علی رضایی\t09121234567\tتهران")
    assert page.html.values["CityName"] == ["تهران"]
    assert "تهران" not in page.html.text(id="divided")
    page.send(Mobile="علی رضایی\t09121234567\tتهران", CityName="قم")
    assert page.html.values["CityName"] == ["قم"]
    assert "تهران" in page.html.text(id="divided")


def test_line_is_not_divided_where_a_name_was_typed_or_for_visitors(
    page: Page, client: FlaskClient, portal: Simulator
) -> None:
    """The number is wrong, and nothing is changed; a long name has its own error."""
    line = "سارا احمدی 09121234567"
    visitors = Page(client, "/f/signup")
    for form, fields in ((page, {"LName": "کاظمی"}), (visitors, {"consent": "true"})):
        assert form.send(Mobile=line, **fields).status_code == 422
        assert form.html.values["Mobile"] == [line]
        assert messages.MOBILE_LETTERS in form.error("Mobile")
    page = Page(client)
    assert page.send(Mobile=f"{'س' * 51} 09121234567").status_code == 422
    assert page.html.values["Mobile"] == ["09121234567"]
    assert page.error("FName")
    assert portal.contacts == []
