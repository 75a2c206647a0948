"""Fields as the file says: choices, the order of the file, captions that ask, misspelt mail."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import ISOLATES, Html, Page

from webapp import messages
from webapp.demo import Simulator
from webapp.forms import HONEYPOT_INPUT
from webapp.forms.definitions_file import parse
from webapp.imports.columns import sample_workbook
from webapp.imports.file import Row
from webapp.imports.rows import read_row
from webapp.web.rendering import EXTENSION

FORMS = """
[forms.desk]
title = "ثبت مخاطب"
access = "intranet"
fields = [
  "Mobile", "FName", "LName", "GenderType", "CityName", "JobTitle",
  "CustomText1", "CustomDate1", "Email",
]

[forms.event]
title = "همایش"
access = "public"
fields = [
  "CustomText2", "Email", "Mobile", "CustomText3", "JobTitle", "FName", "LName",
  "BornDate", "CityName", "CustomText4", "Labels",
]
required = ["CustomText2", "CustomText3", "CustomText4", "Labels"]
label_choices = ["کارگاه ۱", "کارگاه ۲"]

[forms.event.captions]
CustomText2 = "کدام نوبت؟"
CustomText3 = "استان"
CustomText4 = "چرا می‌آیید؟"
Labels = "در کدام کارگاه‌ها؟"

[forms.event.choices]
CustomText2 = ["صبح", "عصر"]
CustomText3 = ["تهران", "فارس", "گیلان", "یزد", "قم", "آذربایجان شرقی"]
JobTitle = ["معلم", "پزشک"]
"""

TYPED = {
    "Mobile": "09121234567",
    "CustomText2": "عصر",
    "CustomText3": "آذربایجان شرقی",
    "CustomText4": "کنجکاوی",
    "Labels": "کارگاه ۲",
}


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """Return a browser without script."""
    return make_app(forms=FORMS).test_client()


def send(client: FlaskClient, **changed: str) -> tuple[int, Html]:
    """Send the event's form; return status and page."""
    token = Page(client, "/f/event").token
    data = {"csrf_token": token, HONEYPOT_INPUT: "", **TYPED, **changed}
    answer = client.post("/f/event", data=data)
    return answer.status_code, Html(answer.text)


def error(html: Html, name: str) -> str:
    """Return the error beside a field, or ""."""
    return next((text for it, text in html.find("p") if it.get("id") == f"{name}-error"), "")


def test_public_form_shows_its_fields_in_the_order_of_the_file(client: FlaskClient) -> None:
    """All of them; up to five choices are radio buttons, more are a list."""
    page = client.get("/f/event").text
    assert "<details" not in page
    names = ["CustomText2", "Email", "Mobile", "CustomText3", "JobTitle", "FName", "CityName"]
    places = [page.index(f'name="{name}"') for name in names]
    assert places == sorted(places)
    html = Html(page)
    radios = [it["value"] for it, _ in html.find("input") if it.get("name") == "CustomText2"]
    assert radios == ["صبح", "عصر"]
    optional = [it["value"] for it, _ in html.find("input") if it.get("name") == "JobTitle"]
    assert optional == ["معلم", "پزشک", ""]
    assert [it["name"] for it, _ in html.find("select") if it.get("name") == "CustomText3"]


def test_operators_form_names_the_groups_that_it_has(client: FlaskClient) -> None:
    """And none that it has not."""
    summary = next(text for _, text in Html(client.get("/f/desk").text).find("summary"))
    groups = (messages.GROUP_WORK, messages.GROUP_ADDRESS, messages.GROUP_CUSTOM)
    assert messages.COMMA.join(groups) in " ".join(summary.split())


def test_server_takes_the_choices_of_the_file_only(client: FlaskClient, portal: Simulator) -> None:
    """For any values; the choice remains when the form comes back."""
    status, html = send(client, CustomText2="شب", CustomText3="کرمان")
    assert status == 422
    assert error(html, "CustomText2") == messages.BAD_CHOICE.format(caption=messages.ANSWER)
    assert error(html, "CustomText3") == messages.BAD_CHOICE.format(caption="استان")
    status, html = send(client, Mobile="0912", JobTitle="معلم")
    chosen = [it["value"] for it, _ in html.find("input") if "checked" in it]
    assert chosen == ["عصر", "معلم", "کارگاه ۲"]
    assert [it["value"] for it, _ in html.find("option") if "selected" in it] == ["آذربایجان شرقی"]
    assert send(client)[0] == 303
    sent = portal.contacts[0]
    assert (sent["CustomText2"], sent["CustomText3"]) == ("عصر", "آذربایجان شرقی")
    assert not sent["JobTitle"]


def test_required_choice_is_no_error_before_it_is_missing(client: FlaskClient) -> None:
    """Browsers call it invalid at once, for a screen reader, unless the page says otherwise."""
    sent = send(client, CustomText2="", CustomText3="")[1]
    for html, is_invalid in ((Html(client.get("/f/event").text), "false"), (sent, "true")):
        inputs = [it for tag in ("input", "select") for it, _ in html.find(tag) if "required" in it]
        choices = [it for it in inputs if it["name"] in ("CustomText2", "CustomText3")]
        assert [it["aria-invalid"] for it in choices] == [is_invalid] * 3


def test_caption_that_asks_is_no_subject_of_a_sentence(client: FlaskClient) -> None:
    """What is missing is to be chosen, or answered."""
    status, html = send(client, CustomText2="", CustomText3="", CustomText4="", Labels="")
    assert status == 422
    assert error(html, "CustomText2") == messages.CHOOSE_ONE
    assert error(html, "CustomText3") == messages.BAD_CHOICE.format(caption="استان")
    assert error(html, "CustomText4") == messages.REQUIRED.format(caption=messages.ANSWER)
    assert error(html, "Labels") == messages.CHOOSE_SOME
    assert f"در کدام کارگاه‌ها؟ {messages.CHOOSE_SOME}" in html.text(role="alert")
    long = error(send(client, CustomText4="آ" * 201)[1], "CustomText4")
    assert long.startswith(messages.ANSWER)


def test_misspelt_mail_is_asked_about_once_and_taken_if_it_is_meant(
    client: FlaskClient, portal: Simulator
) -> None:
    """The question names the address; another misspelt one is asked about, too."""
    status, html = send(client, Email="sara@gmial.com")
    assert status == 422
    assert error(html, "Email") == messages.EMAIL_ASKED.format(
        suggestion="sara@gmail.com"
    ).translate(ISOLATES)
    asked = next(it for it, _ in html.find("input") if it.get("name") == "Email-asked")
    assert asked["value"] == "sara@gmial.com"
    other = {"Email": "sara@yaho.com", "Email-asked": "sara@gmial.com"}
    assert send(client, **other)[0] == 422
    assert send(client, Email="sara@gmial.com", **{"Email-asked": "sara@gmial.com"})[0] == 303
    assert portal.contacts[0]["Email"] == "sara@gmial.com"


def test_import_takes_the_choices_of_the_file_only() -> None:
    """In any spelling of them; the sample workbook offers them."""
    event = parse(FORMS, source="forms.toml")["event"]
    columns = ["Mobile", "CustomText2", "CustomText3", "CustomText4", "Labels"]
    cells = ["09121234567", " عصر ", "آذربايجان شرقي", "کنجکاوی", "کارگاه ۱"]
    rules = {"shared": {}, "epoch_1904": False}
    contact = read_row(event, columns, Row(2, tuple(cells)), **rules)
    assert (contact["CustomText2"], contact["CustomText3"]) == ("عصر", "آذربایجان شرقی")
    wrong = Row(3, ("09121234567", "شب", *cells[2:]))
    (fault,) = read_row(event, columns, wrong, **rules)
    assert (fault.field, fault.cell) == ("CustomText2", "شب")
    assert len(sample_workbook(event)) > 1000


def test_statistics_count_what_was_chosen_once(client: FlaskClient) -> None:
    """A submission that is sent again is counted once; choices with the count 0 are listed, too."""
    token = Page(client, "/f/event").token
    data = {"csrf_token": token, HONEYPOT_INPUT: "", **TYPED}
    for _ in range(2):
        assert client.post("/f/event", data=data).status_code == 303
    assert send(client, Mobile="09121234568", CustomText2="صبح", JobTitle="")[0] == 303
    client.application.extensions[EXTENSION].delivery.funnel.flush()
    html = Html(client.get("/statistics").text)
    rows = [text for _, text in html.find("tr")]
    for cells in (
        ("کدام نوبت؟", "عصر", "۱"),
        ("استان", "آذربایجان شرقی", "۲"),
        ("سمت شغلی", "پزشک", "۰"),
    ):
        assert f"همایش{' '.join(cells)}" in rows
    file = client.get("/statistics.csv?by=choice").text.splitlines()
    assert file[0].removeprefix("\ufeff") == "day_jalali,day,form,field,choice,count"
    chosen = {tuple(line.split(",")[2:]) for line in file[1:]}
    both = ("event", "CustomText3", "آذربایجان شرقی", "2")
    assert {both, ("event", "CustomText2", "عصر", "1")} <= chosen
    feeder = client.application.extensions[EXTENSION].delivery.imports.feeder
    assert [*feeder.choices["event"]] == ["CustomText2", "CustomText3", "JobTitle"]
