"""Responses that browsers keep for Back, and forms that are sent again."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from outbox_entries import reject, token
from support import Html, Page

from webapp.demo import Simulator
from webapp.web.rendering import EXTENSION

TEMPLATES = Path(__file__).parents[2] / "templates"
MOBILE = "09121234567"
FORMS = """
[forms.asking]
title = "ثبت"
access = "intranet"
fields = ["Mobile"]
duplicates = "ask"

[forms.club]
title = "باشگاه"
access = "public"
fields = ["Mobile"]
verify = "sms"
proof_of_work = false
"""


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """Return a browser without script, on the intranet."""
    return make_app(forms=FORMS).test_client()


def test_every_form_has_an_action() -> None:
    """Else its address has the fragment of a link that was followed before."""
    texts = {path.name: path.read_text() for path in sorted(TEMPLATES.rglob("*.html"))}
    forms = [(name, form) for name, text in texts.items() for form in _POST_FORM.findall(text)]
    assert len(forms) >= 10
    assert [(name, form) for name, form in forms if " action=" not in form] == []


_POST_FORM = re.compile('<form [^>]*method="post"[^>]*')


def test_only_a_page_that_answers_a_post_is_kept_by_the_browser(client: FlaskClient) -> None:
    """A form that came back, or a question, for Back; no page of a GET, no redirect, no file."""
    page = Page(client)
    page.send(Mobile=MOBILE)
    delivery = client.application.extensions[EXTENSION].delivery
    reject(delivery)
    all_of_the_outbox = {"csrf_token": token(client), "all": "1"}
    answers = {
        "form": client.get("/"),
        "accepted": client.post("/", data={"csrf_token": page.token, "Mobile": "09121234568"}),
        "invalid": client.post("/", data={"Mobile": "12"}),
        "question": client.post("/", data={"csrf_token": Page(client).token, "Mobile": MOBILE}),
        "early question": client.post(
            "/f/asking/duplicates", data={"csrf_token": page.token, "Mobile": MOBILE}
        ),
        "question of the outbox": client.post(
            "/outbox", data={**all_of_the_outbox, "discard": "1"}
        ),
        "file of the outbox": client.post("/outbox", data={**all_of_the_outbox, "export": "csv"}),
        "too large": client.post("/", data={"FName": "x" * 100_000}),
        "from elsewhere": client.post("/", headers={"Origin": "https://evil.example"}),
        "not found": client.get("/nowhere"),
    }
    said = {name: (it.status_code, it.headers["Cache-Control"]) for name, it in answers.items()}
    assert said == {
        "form": (200, "no-store"),
        "accepted": (303, "no-store"),
        "invalid": (422, "private, no-cache"),
        "question": (409, "private, no-cache"),
        "early question": (200, "private, no-cache"),
        "question of the outbox": (200, "private, no-cache"),
        "file of the outbox": (200, "no-store"),
        "too large": (413, "private, no-cache"),
        "from elsewhere": (403, "private, no-cache"),
        "not found": (404, "no-store"),
    }


def test_what_is_kept_for_back_is_found_whatever_cookies_came_since(client: FlaskClient) -> None:
    """A receipt sets one; with `Vary: Cookie`, Back would miss the form before it."""
    page = Page(client)
    invalid = page.send(Mobile="12")
    accepted = page.send(follow=False, Mobile=MOBILE)
    assert invalid.headers["Vary"] == "Accept-Encoding"
    assert "Cookie" in accepted.headers["Vary"]


def test_code_that_is_sent_again_by_a_reload_is_no_try(
    client: FlaskClient, portal: Simulator
) -> None:
    """The page shows an error; the page of the last answer accepts the right code."""
    url = Page(client, "/f/club").send(Mobile=MOBILE, follow=False).headers["Location"]
    code = portal.codes[-1]["Code"]
    wrong = f"{(int(code) + 1) % 100000:05}"
    first = {**Html(client.get(url).text).values, "Code": wrong}
    pages = [Html(client.post(url, data=first).text) for _ in range(10)]
    tries = [page.values["try"] for page in pages]
    assert tries == tries[:1] * 10 != [first["try"]] * 10
    assert all(page.outcome == "invalid" for page in pages)
    assert "قدیمی" in pages[-1].text(id="Code-error")
    assert "بررسی نشد" not in pages[0].text(id="Code-error")
    # From an older page, not even the right code is accepted: each guess counts as a try.
    assert client.post(url, data={**first, "Code": code}).status_code == 422
    last = {**pages[-1].values, "Code": code}
    assert client.post(url, data=last).status_code == 303
    assert client.post(url, data=last).status_code == 303
    assert len(portal.contacts) == 1
