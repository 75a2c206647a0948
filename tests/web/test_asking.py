"""The organisation, its texts and its addresses on visitors' pages."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page

from webapp import messages
from webapp.demo import Simulator
from webapp.forms import HONEYPOT_INPUT
from webapp.forms.definitions_file import DefinitionError, parse
from webapp.settings import read_logo
from webapp.web.rendering.content import linked

FORM = """
[forms.club]
title = "باشگاه"
access = "public"
fields = ["Mobile"]
submit = "عضو می‌شوم"
received = "نام شما به دست ما رسید."
help = "عضویت رایگان است."
privacy = "https://example.ir/privacy"
contact = "پرسش: ۰۲۱-۱۲۳۴۵۶۷۸ یا club@example.ir"
"""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def client(make_app: Callable[..., Flask], tmp_path: Path) -> FlaskClient:
    """Return a browser without script, from outside of the intranet for what asks."""
    forms, logo = tmp_path / "forms.toml", tmp_path / "logo.svg"
    forms.write_text(FORM)
    logo.write_bytes(SVG)
    own = {"organisation": "شرکت <نمونه>", "organisation_logo": read_logo(str(logo))}
    return make_app(forms_file=forms, **own).test_client()


def footer(html: Html) -> list[str | None]:
    """Return where the links at the end of a page lead."""
    return [it.get("href") for it, _ in html.find("a")][-3:]


ADDRESSES = ["tel:02112345678", "mailto:club@example.ir", "https://example.ir/privacy"]


def test_organisation_stands_on_visitors_pages_and_the_poster(client: FlaskClient) -> None:
    """With its logo, which is public; not in frames, whose host page names the organisation."""
    for path in ("/f/club", "/install/club/poster"):
        html = Html(client.get(path).text)
        assert "شرکت <نمونه>" in next(text for it, text in html.find("p") if it["class"] == "brand")
        image = next(it for it, _ in html.find("img") if str(it["src"]).startswith("/logo"))
    outside = {"REMOTE_ADDR": "203.0.113.7"}
    assert client.get(str(image["src"]), environ_overrides=outside).data == SVG
    assert "شرکت" not in client.get("/embed/club").text


def test_logo_of_an_installation_without_visitors_stays_on_the_intranet(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """No other page has it."""
    forms, logo = tmp_path / "forms.toml", tmp_path / "logo.svg"
    forms.write_text('[forms.desk]\ntitle = "ثبت"\naccess = "intranet"\nfields = ["Mobile"]')
    logo.write_bytes(SVG)
    client = make_app(forms_file=forms, organisation_logo=read_logo(str(logo))).test_client()
    outside = {"REMOTE_ADDR": "203.0.113.7"}
    assert client.get("/logo", environ_overrides=outside).status_code == HTTPStatus.FORBIDDEN


def test_button_without_a_caption_of_its_own_has_the_title_of_its_form(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """Unless that is too long for a button."""
    forms = tmp_path / "titles.toml"
    titles = {"course": "ثبت‌نام در دوره", "long": "ثبت‌نام در دوره‌های آموزشی پاییز و زمستان ۱۴۰۵"}
    form = '[forms.{}]\ntitle = "{}"\naccess = "public"\nfields = ["Mobile"]\n'
    forms.write_text("".join(form.format(*it) for it in titles.items()))
    client = make_app(forms_file=forms).test_client()
    pages = [Html(client.get(f"/f/{slug}").text) for slug in titles]
    buttons = [html.text("button", type="submit") for html in pages]
    assert buttons == [titles["course"], messages.SUBMIT_PUBLIC]


def test_words_of_a_form_stand_on_its_pages(client: FlaskClient, portal: Simulator) -> None:
    """Button, help and addresses, also in a frame and on the receipt."""
    for path in ("/f/club", "/embed/club"):
        html = Html(client.get(path).text)
        button = next(text for it, text in html.find("button") if it.get("type") == "submit")
        assert button == "عضو می‌شوم"
        assert "عضویت رایگان است." in client.get(path).text
        assert footer(html) == ADDRESSES
    portal.respond_with = lambda _: "CreditNotEnough"
    page = Page(client, "/f/club")
    data = {"csrf_token": page.token, HONEYPOT_INPUT: "", "Mobile": "09121234567"}
    receipt = client.get(client.post("/f/club", data=data).headers["Location"])
    assert "نام شما به دست ما رسید." in receipt.text
    assert messages.DELIVERED_PUBLIC not in receipt.text
    assert all(f'href="{address}"' in receipt.text for address in ADDRESSES)


def test_contact_line_links_what_can_be_reached() -> None:
    """Numbers in any digits and spelling; all else stays as it is, escaped."""
    links = {
        "تلفن ۰۲۱-۱۲۳۴۵۶۷۸.": ["tel:02112345678"],
        "+98 (21) 1234 5678، داخلی ۱۲": ["tel:+982112345678"],
        "https://example.ir/help?a=1&b=2، شنبه تا چهارشنبه ۸ تا ۱۶": [
            "https://example.ir/help?a=1&b=2"
        ],
        "<b>a.b+c@mail.example.ir</b>": ["mailto:a.b+c@mail.example.ir"],
        "تا ۱۴۰۵/۱۰/۰۱": [],
    }
    for text, expected in links.items():
        html = Html(str(linked(text)))
        assert [it["href"] for it, _ in html.find("a")] == expected, text
        assert not list(html.find("b"))


def test_wrong_words_of_a_form_are_named_with_their_line() -> None:
    """Those for visitors are for public forms."""
    wrong = {
        'privacy = "example.ir"': 'privacy: "example.ir" is not an address such as',
        'submit = ""': "submit: is empty",
        'recieved = "x"': 'recieved: unknown key "recieved"; did you mean "received"?',
    }
    for line, expected in wrong.items():
        with pytest.raises(DefinitionError, match=r"forms\.toml:6: forms\.club\.") as caught:
            parse("\n".join([*FORM.split("\n")[:5], line]), source="forms.toml")
        assert expected in str(caught.value)
