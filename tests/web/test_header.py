"""The header of operators' pages, and the help page."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from flask import Flask, template_rendered
from flask.testing import FlaskClient
from support import Html, Page, hashed
from tables import each

from webapp import messages
from webapp.contact import Contact
from webapp.database import DatabaseError
from webapp.demo import Simulator
from webapp.messages import desk
from webapp.outbox.review import Review
from webapp.outbox.rows import NUMBER_UNVERIFIED
from webapp.portal import status_message
from webapp.settings import Settings, SettingsError, read_logo
from webapp.web.rendering import EXTENSION

OPERATORS = ("/", "/outbox", "/outbox?waiting=1", "/help", "/statistics", "/install/signup")
VISITORS = ("/f/signup", "/embed/signup", "/nowhere")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


def header(html: Html) -> str:
    """Return the text of the header."""
    return html.text("header")


@each("path", OPERATORS)
def test_operators_page_has_header_and_skip_link(client: FlaskClient, path: str) -> None:
    """The link of the current page is marked, and the skip link leads to the content."""
    html = Html(client.get(path).text)
    assert messages.OUTBOX_LINK in header(html)
    (skip,) = html.find("a", **{"class": "skip"})
    assert skip[0]["href"] == "#main"
    assert next(html.find("main"))[0]["id"] == "main"
    marked = [link["href"] for link, _ in html.find("a", aria_current="page")]
    own = path.partition("?")[0]
    assert marked[:1] == [own] * (not own.startswith("/install"))


def test_form_under_its_other_address_and_a_correction_are_marked_in_the_menu(
    client: FlaskClient, portal: Simulator
) -> None:
    """By the link of the form, and by that of the outbox, of which the page is a part."""
    ((link, _),) = Html(client.get("/f/contact").text).find("a", aria_current="page")
    assert link["href"] == "/"
    portal.respond_with = lambda _: "CreditNotEnough"
    page = Page(client)
    page.send(Mobile="09121234567")
    reference = next(page.html.find(role="status"))[0]["data-reference"]
    ((link, _),) = Html(client.get(f"/outbox/{reference}").text).find("a", aria_current="true")
    assert link["href"] == "/outbox"


@each("path", VISITORS)
def test_visitors_page_has_no_header(client: FlaskClient, path: str) -> None:
    """Neither the public form, nor the frame, nor an error page."""
    assert messages.OUTBOX_LINK not in client.get(path).text


def test_form_with_errors_and_its_receipt_have_the_header(page: Page) -> None:
    """Whether the page comes from the cache or not."""
    page.send(Mobile="")
    assert page.html.outcome == "invalid"
    assert desk.HELP in header(page.html)
    page.send(Mobile="09121234567")
    assert page.html.outcome == "delivered"
    assert desk.HELP in header(page.html)


def test_organisation_and_logo_stand_in_the_header(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """The name is escaped; the logo is served with its type, for a year."""
    file = tmp_path / "logo.svg"
    file.write_bytes(SVG)
    app = make_app(organisation="شرکت <b>", organisation_logo=read_logo(str(file)))
    client = app.test_client()
    html = Html(client.get("/").text)
    assert header(html).startswith("شرکت <b>")
    (image,) = html.find("img")
    served = client.get(str(image[0]["src"]))
    assert (served.data, served.mimetype) == (SVG, "image/svg+xml")
    # It is shown to operators only: no cache that others share may keep it.
    assert served.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert "max-age" not in client.get("/logo?v=other").headers["Cache-Control"]


def test_logo_that_is_not_set_is_not_found(client: FlaskClient) -> None:
    """And no page asks for it."""
    assert client.get("/logo").status_code == 404
    assert "<img" not in client.get("/").text


def test_organisation_may_have_a_half_space() -> None:
    """Most Persian names of more than one word do."""
    name = "نیک\u200cاندیشان"
    assert Settings.from_env({"ORGANISATION": name}).organisation == name


def test_wrong_organisation_and_logo_are_named_at_start(tmp_path: Path) -> None:
    """Each in its own line, without the value."""
    large = tmp_path / "large.png"
    large.write_bytes(bytes(300_000))
    for logo in (tmp_path / "logo.exe", tmp_path / "missing.svg", large):
        with pytest.raises(SettingsError) as caught:
            Settings.from_env({"ORGANISATION": "a\nb", "ORGANISATION_LOGO": str(logo)})
        names = [fault.split()[0] for fault in caught.value.faults]
        assert names == ["ORGANISATION", "ORGANISATION_LOGO"]


def test_header_counts_what_needs_attention(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Persian digits; nothing while nothing does. While the database fails, the count stays."""
    page = Page(app.test_client())
    assert messages.NEEDS_ATTENTION not in header(page.html)
    outbox = app.extensions[EXTENSION].delivery.outbox
    outbox.hold(Contact(Mobile="09121234567"), "a" * 64, form="contact", reason=NUMBER_UNVERIFIED)
    counted = Html(page.client.get("/outbox").text)
    assert desk.ATTENTION.format(n="۱") in header(counted)
    fail = Mock(side_effect=DatabaseError("OperationalError"))
    monkeypatch.setattr(Review, "count", fail)
    assert desk.ATTENTION.format(n="۱") in header(Html(page.client.get("/outbox").text))


def test_second_view_of_a_form_renders_nothing(app: Flask, page: Page) -> None:
    """Neither the form nor the header, which take longer than the rest of the page."""
    rendered: list[str | None] = []
    with template_rendered.connected_to(
        lambda _, template, **__: rendered.append(template.name), app
    ):
        assert desk.HELP in header(Html(page.client.get("/").text))
    assert rendered == []


def test_logged_in_operator_is_named(make_app: Callable[..., Flask]) -> None:
    """Only them: the cached page is the same for all."""
    users = {name: hashed("x") for name in ("sara", "ali")}
    client = make_app(intranet_users=users).test_client()
    for name in ("sara", "ali", "sara"):
        shown = header(Html(client.get("/", auth=(name, "x")).text))
        assert [other in shown for other in ("sara", "ali")] == [name == "sara", name == "ali"]


def test_pause_is_shown_once_with_a_receipt(page: Page, portal: Simulator) -> None:
    """The receipt names the reason; the next page has the banner."""
    portal.respond_with = lambda _: "CreditNotEnough"
    page.send(Mobile="09121234567")
    assert page.html.outcome == "queued"
    reason = status_message("CreditNotEnough")
    assert page.html.text("main").count(reason) == 1
    assert len(list(page.html.find(data_pause="CreditNotEnough"))) == 1
    later = Html(page.client.get("/").text)
    assert later.text("main").count(reason) == 1
    assert later.outcome is None


def test_help_page_lists_public_forms_and_keys(client: FlaskClient) -> None:
    """With where each is set up for a website."""
    html = Html(client.get("/help").text)
    assert list(html.find("a", href="/install/signup"))
    assert all(text in html.text("table") for text in desk.KEY_TEXTS.values())
