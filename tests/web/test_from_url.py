"""What the address of a public form's page adds to the contact, on pages and in frames."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page

from webapp import messages
from webapp.demo import Simulator
from webapp.forms import tokens
from webapp.web.rendering import EXTENSION

FORMS = """
[forms.news]
title = "خبرنامه"
access = "public"
fields = ["FName", "Mobile"]
labels = ["سایت"]
embed_origins = ["https://example.ir"]
from_url = { utm_source = "CustomText5", utm_campaign = { spring = "بهار" } }
"""
MOBILE = "09121234567"
QUERY = "?utm_source=%D8%A7%DB%8C%D9%86%D8%B3%D8%AA%D8%A7&utm_campaign=spring"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Return an app with a form of its own."""
    return make_app(forms=FORMS)


def received(portal: Simulator) -> list[tuple[str, list[str]]]:
    """Return the custom text and the labels of what the portal has received."""
    return [(it["CustomText5"] or "", it["Labels"]) for it in portal.contacts]


def address(html: Html, path: str) -> str:
    """Return where a browser sends the form of the page at this path: the form has no action."""
    ((form, _),) = html.find("form", id="contact-form")
    return str(form.get("action", path))


@pytest.mark.parametrize("path", ["/f/news", "/embed/news"])
def test_value_reaches_the_custom_text_and_the_label(
    client: FlaskClient, portal: Simulator, path: str
) -> None:
    """Without script, from the address of the page or of the frame."""
    page = Page(client, path + QUERY)
    page.path = address(page.html, path + QUERY)
    assert page.send(Mobile=MOBILE).status_code == 200
    assert received(portal) == [("اینستا", ["سایت", "بهار"])]


@pytest.mark.parametrize("path", ["/f/news", "/embed/news"])
def test_value_survives_an_error_and_an_old_page(
    client: FlaskClient, portal: Simulator, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that is too short, then a token that is too old."""
    page = Page(client, path + QUERY)
    assert page.send(Mobile="0912").status_code == 422
    page.path = address(page.html, page.path)
    with monkeypatch.context() as later:
        later.setattr(tokens, "LIFETIME", timedelta(seconds=-1))
        assert messages.FORM_EXPIRED in page.send(Mobile=MOBILE).text
    page.path = address(page.html, page.path)
    assert page.send(Mobile=MOBILE).status_code == 200
    assert received(portal) == [("اینستا", ["سایت", "بهار"])]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ([("utm_source", "<script>alert(1)</script>\"'")], "<script>alert(1)</script>\"'"),
        ([("utm_source", "x" * 10_000)], ""),
        ([("utm_source", "a\0b")], ""),
        ([("utm_source", "\u202ex\u2066")], "x"),
        ([("utm_source", "one"), ("utm_source", "two")], "one"),
        ([("utm_source", "{{ 7*7 }}\r\nX: y")], "{{ 7*7 }} X: y"),
        ([("FName", "رضا"), ("Labels", "مهم"), ("CustomText4", "x"), ("Active", "false")], ""),
        ([("utm_campaign", "winter")], ""),
    ],
)
def test_hostile_or_unlisted_value_does_no_harm(
    client: FlaskClient, portal: Simulator, query: list[tuple[str, str]], text: str
) -> None:
    """It reaches no other field, and no page shows it."""
    page = Page(client, "/embed/news?" + urlencode(query))
    assert page.send(Mobile="x").status_code == 422
    assert "alert(1)" not in str(page.html.elements)
    assert page.send(Mobile=MOBILE, FName="سارا").status_code == 200
    (contact,) = portal.contacts
    others = {"FName": "سارا", "Labels": ["سایت"], "Active": True}
    assert {name: contact[name] for name in others} == others
    assert ((contact["CustomText5"] or ""), (contact["CustomText4"] or "")) == (text, "")


def test_value_in_the_body_is_ignored(client: FlaskClient, portal: Simulator) -> None:
    """Only the address counts."""
    Page(client, "/f/news").send(Mobile=MOBILE, utm_source="x", CustomText5="x")
    assert received(portal) == [("", ["سایت"])]


def test_pages_with_values_are_one_cached_page(app: Flask) -> None:
    """However many robots make up."""
    client = app.test_client()
    for number in range(20):
        address = f"/f/news?utm_source=robot-{number}"
        page = client.get(address)
        ((form, _),) = Html(page.text).find("form")
        assert form["action"] == address
        assert f"robot-{number}" not in page.text.replace(address, "")
    assert len(app.extensions[EXTENSION].cached_pages) == 1


def test_only_frames_of_forms_that_list_keys_ask_for_them(
    app: Flask, make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """Pages read their own address; other forms have no script for it."""
    client = app.test_client()
    ((form, _),) = Html(client.get("/embed/news").text).find("form", id="contact-form")
    assert form["data-from-url"] == "utm_source utm_campaign"
    assert "from-url" not in client.get("/f/news").text
    file = tmp_path / "other.toml"
    file.write_text("\n".join(line for line in FORMS.split("\n") if "from_url" not in line))
    other = make_app(forms_file=file).test_client()
    assert "from-url" not in other.get("/embed/news").text
