"""The form in a frame of another site: no cookie, its own frame policy, a receipt at the end."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page
from tables import each

from webapp import messages, persian
from webapp.demo import Simulator
from webapp.forms import tokens
from webapp.forms.tokens import InvalidToken, Receipt, Tokens

MOBILE = "09121234567"
RECEIPT = Receipt(result="delivered", reference="ABCDEFGH")

FORMS = """
[forms.contact]
title = "ثبت مخاطب"
access = "intranet"
fields = "all"
label_choices = ["مشتری"]
free_labels = true

[forms.news]
title = "خبرنامه"
access = "public"
fields = ["FName", "Mobile"]
labels = ["سایت"]
fixed = { CityName = "تهران" }
consent = "با دریافت پیامک موافقم."
consent_field = "CustomText6"
embed_origins = ["https://example.ir", "http://shop.example.ir:8080"]
accent = "#7a1f5c"
success = "از عضویت شما سپاسگزاریم."
redirect = "https://example.ir/thanks"

[forms.closed]
title = "بی‌میزبان"
access = "public"
fields = ["Mobile"]
"""


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Return an app with forms of its own."""
    return make_app(forms=FORMS)


@pytest.fixture
def page(client: FlaskClient) -> Page:
    """Return the embedded form, opened."""
    return Page(client, "/embed/news")


ANCESTORS = "frame-ancestors https://example.ir http://shop.example.ir:8080 'self'"


@each(
    ("method", "path", "arguments", "status"),
    [
        ("GET", "/embed/news", {}, 200),
        ("POST", "/embed/news", {}, 422),
        ("POST", "/embed/news", {"json": {}}, 400),
        ("POST", "/embed/news", {"headers": {"Origin": "null"}}, 403),
        ("POST", "/embed/news", {"data": {"x": "x" * 20_000}}, 413),
        ("POST", "/embed/news", {"data": {"x": "x" * 70_000}}, 413),
        ("PUT", "/embed/news", {}, 405),
        ("GET", "/embed/news/done", {}, 303),
        ("GET", "/embed/news/nothing", {}, 404),
    ],
)
def test_every_answer_names_who_may_frame_it_and_sets_no_cookie(
    client: FlaskClient, method: str, path: str, arguments: dict[str, object], status: int
) -> None:
    """GET, POST and errors alike."""
    response = client.open(path, method=method, **arguments)  # type: ignore[arg-type]
    assert response.status_code == status
    assert response.headers["Content-Security-Policy"].endswith(ANCESTORS)
    assert "X-Frame-Options" not in response.headers
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@each("path", ["/embed/closed", "/embed/nowhere", "/embed/contact", "/f/news"])
def test_page_that_is_not_embeddable_allows_no_ancestor(client: FlaskClient, path: str) -> None:
    """No origins, no such form, an operators' form, a page of its own."""
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert headers["X-Frame-Options"] == "DENY"


def test_operators_forms_are_not_served_in_frames(client: FlaskClient) -> None:
    """Their address under /embed is not found."""
    assert client.get("/embed/contact").status_code == 404


def test_success_leads_to_a_receipt_without_personal_data(page: Page, portal: Simulator) -> None:
    """303, a signed result in the address; a reload is harmless."""
    response = page.send(Mobile=MOBILE, FName="علی", consent="true", follow=False)
    assert response.status_code == 303
    assert "Set-Cookie" not in response.headers
    address = response.location
    assert address.startswith("/embed/news/done?r=")
    assert not any(personal in address for personal in ("912", "علی", "%D8"))
    for _ in range(2):
        answer = page.client.get(address)
        assert answer.headers["Content-Security-Policy"].endswith(ANCESTORS)
        assert "Set-Cookie" not in answer.headers
        html = Html(answer.text)
        assert html.outcome == "delivered"
        assert "از عضویت شما سپاسگزاریم." in html.text(role="status")
        assert next(html.find("div", role="status"))[0]["data-redirect"].endswith("/thanks")
        assert html.text("a", href="https://example.ir/thanks", target="_top") == messages.GO_ON
    assert len(portal.contacts) == 1


@each("receipt", ["", "nonsense", "{own}x"])
def test_false_receipt_leads_to_the_form(client: FlaskClient, receipt: str) -> None:
    """The page states only what has happened."""
    own = Tokens(["another key"]).issue_receipt("news", RECEIPT)
    response = client.get(f"/embed/news/done?r={receipt.format(own=own)}")
    assert (response.status_code, response.location) == (303, "/embed/news")


def test_receipt_is_good_only_for_its_form() -> None:
    """And survives a rotation of keys."""
    receipt = Tokens(["old"]).issue_receipt("news", RECEIPT)
    read = Tokens(["new", "old"]).read_receipt(receipt, form="news")
    assert (read.result, read.reference) == ("delivered", "ABCDEFGH")
    with pytest.raises(InvalidToken):
        Tokens(["old"]).read_receipt(receipt, form="other")


def test_definition_completes_the_contact(page: Page, portal: Simulator) -> None:
    """Labels, fixed values and Active are not the browser's to choose."""
    page.send(
        Mobile=MOBILE, consent="true", Labels="مدیر", CityName="قم", Active="false", keep="true"
    )
    (contact,) = portal.contacts
    assert contact["Labels"] == ["سایت"]
    assert contact["CityName"] == "تهران"
    assert contact["Active"] is True


@pytest.mark.parametrize(
    ("referer", "site"),
    [
        ("https://example.ir/", "https://example.ir"),
        ("http://shop.example.ir:8080/a?b", "http://shop.example.ir:8080"),
        ("https://evil.example/", messages.UNKNOWN_SITE),
        (None, messages.UNKNOWN_SITE),
    ],
)
def test_day_and_the_site_of_the_consent_travel_with_the_contact(
    page: Page, portal: Simulator, referer: str | None, site: str
) -> None:
    """The site is the one that showed the form first; an error on the way does not change it."""
    headers = {"Referer": referer} if referer else {}
    page.html = Html(page.client.get("/embed/news", headers=headers).text)
    page.send(Mobile="", consent="true")
    page.send(Mobile=MOBILE, consent="true")
    (contact,) = portal.contacts
    match = re.fullmatch("موافقت در (\\S+) از (.+)", contact["CustomText6"])
    assert match
    assert match[2] == site
    assert persian.parse_date(match[1])


def test_next_person_consents_on_the_same_site(page: Page, portal: Simulator) -> None:
    """The link to another sign-up carries the site on; so does a token that is too old."""
    headers = {"Referer": "https://example.ir/"}
    page.html = Html(page.client.get("/embed/news", headers=headers).text)
    page.send(Mobile=MOBILE, consent="true")
    (link,) = (a["href"] for a, text in page.html.find("a") if text == messages.ANOTHER)
    page.html = Html(page.client.get(str(link)).text)
    page.send(Mobile="09129999999", consent="true")
    assert [c["CustomText6"].endswith(" https://example.ir") for c in portal.contacts] == [True] * 2


def test_old_token_remembers_the_site(
    page: Page, portal: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form comes back with a fresh token, and the consent was given where it was given."""
    headers = {"Referer": "https://example.ir/"}
    page.html = Html(page.client.get("/embed/news", headers=headers).text)
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "LIFETIME", timedelta(seconds=-1))
        assert page.send(Mobile=MOBILE, consent="true").status_code == 422
    page.send(Mobile=MOBILE, consent="true")
    assert portal.contacts[0]["CustomText6"].endswith(" https://example.ir")


def test_error_is_shown_in_the_frame(client: FlaskClient) -> None:
    """Its page has the form's colour, the frame's script and no ground of its own."""
    html = Html(client.put("/embed/news").text)
    assert next(html.find("html"))[0]["class"] == "embed light"
    assert next(html.find("body"))[0]["data-embed"] == "news"
    assert any("accent/news.css" in str(link["href"]) for link, _ in html.find("link"))
    assert "class" not in next(Html(client.put("/f/news").text).find("html"))[0]


def test_without_consent_nothing_is_sent(page: Page, portal: Simulator) -> None:
    """The box is required, and its message says what to do."""
    assert page.send(Mobile=MOBILE).status_code == 422
    assert page.error("consent") == messages.CONSENT_REQUIRED
    assert not portal.requests


def test_too_fast_a_form_comes_back_with_everything_kept(
    page: Page, portal: Simulator, soon: None
) -> None:
    """No person fills in a form within two seconds."""
    del soon
    response = page.send(Mobile=MOBILE, FName="علی", consent="true")
    assert response.status_code == 422
    assert messages.FORM_TOO_YOUNG in page.html.text(role="alert")
    assert page.html.values["FName"] == ["علی"]
    assert page.html.values["consent"] == ["true"]
    assert not portal.requests


def test_forms_colour_is_a_stylesheet_of_its_own(client: FlaskClient) -> None:
    """The policy allows no style in the page; the address changes with the colour."""
    html = Html(client.get("/embed/news").text)
    (address,) = (str(a["href"]) for a, _ in html.find("link") if "accent" in str(a["href"]))
    response = client.get(address)
    assert response.mimetype == "text/css"
    assert "--accent: #7a1f5c" in response.text
    assert "immutable" in response.headers["Cache-Control"]
    assert client.get("/accent/news.css?v=old").headers["Cache-Control"] == "no-store"
    assert client.get("/accent/closed.css").status_code == 404


def test_script_for_websites_is_served_to_them(client: FlaskClient) -> None:
    """Other sites' pages load it, and soon see a new version."""
    with client.get("/embed.js") as response:
        assert response.mimetype == "text/javascript"
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert response.headers["Cache-Control"] == "public, max-age=3600"
        assert "Set-Cookie" not in response.headers
