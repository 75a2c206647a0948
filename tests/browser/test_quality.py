"""Judges from outside: the Nu checker of HTML and CSS, and axe-core for accessibility."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import requests
from checker import ROOT, Checker, needed
from flask import Flask
from playwright.sync_api import Browser, Page, Response, ViewportSize, expect
from serving import Server, serve
from states import ALIKE, MOBILE, STATES, discard_all, submit
from support import hashed, wait_until
from tables import each

from webapp.demo import Simulator

STATIC = ROOT / "static"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# In dark mode the document is the same: only its colours are looked at again.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
# axe takes Persian letters that join for the ligatures of an icon font, whose colours it does not
# look at, unless a text has a character of format: here an invisible one at its end.
MARK_TEXTS = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    if (texts.currentNode.nodeValue.trim()) texts.currentNode.nodeValue += "\\u200c";
  }
}"""
# What passes is not described node by node: that takes a third of the time.
EVERY_RULE = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
EVERY_COLOUR = EVERY_RULE | {"runOnly": {"type": "rule", "values": OF_COLOURS}}
ON_A_PHONE = [("light", 360, EVERY_RULE)]
DESK: ViewportSize = {"width": 1280, "height": 720}
LOOKS = [*ON_A_PHONE, ("light", 1280, EVERY_RULE)]
LOOKS += [("dark", 1280, EVERY_COLOUR), ("dark", 360, EVERY_COLOUR)]


def is_document(response: Response, tab: Page) -> bool:
    """Return whether this is the page in the tab, not one in a frame of it."""
    return response.request.is_navigation_request() and response.frame == tab.main_frame


@pytest.fixture(scope="module")
def person(browser: Browser, server: Server) -> Iterator[Page]:
    """Open one tab, which goes from state to state, whatever was typed.

    What it leaves uncertain would be delivered two minutes later, while other tests count.
    """
    with browser.new_context(base_url=server.url) as context:
        tab = context.new_page()
        tab.on("dialog", lambda dialog: dialog.accept())
        yield tab
        discard_all(tab, "/outbox?waiting=1")


def go_to(state: object, tab: Page, simulator: Simulator) -> str:
    """Go to a state as somebody new; return the server's text of it."""
    documents: list[Response] = []

    def note(response: Response) -> None:
        if is_document(response, tab):
            documents.append(response)

    simulator.purge()
    wait_until(lambda: "data-pause" not in tab.request.get("/outbox").text())
    tab.context.clear_cookies()
    tab.emulate_media(color_scheme="light", reduced_motion="no-preference")
    tab.set_viewport_size(DESK)
    tab.on("response", note)
    state(tab, simulator)  # type: ignore[operator]
    tab.remove_listener("response", note)
    return documents[-1].text()


def error_pages(make_app: Callable[..., Flask]) -> dict[str, str]:
    """Return the answers that no form of ours leads to, by their status."""
    form, users = "/f/signup", {"sara": hashed("x")}
    client = make_app(intranet_users=users, limit_login="1/minute").test_client()
    right, wrong = ("sara", "x"), ("sara", "wrong")
    client.application.add_url_rule("/broken", view_func=lambda: 1 / 0)
    answers = [
        client.post(form, json={}),
        client.get("/"),
        client.post(form, headers={"Origin": "null"}),
        client.put(form),
        client.get("/broken", auth=right),
        client.get("/", auth=wrong),
        client.get("/", auth=wrong),
    ]
    assert [answer.status_code for answer in answers] == [400, 401, 403, 405, 500, 401, 429]
    return {str(answer.status_code): answer.text for answer in answers}


def test_every_error_page_is_valid_html(make_app: Callable[..., Flask], checker: Checker) -> None:
    """The Nu checker finds nothing, not even a warning."""
    pages = error_pages(make_app)
    assert {
        status: found for status, text in pages.items() if (found := checker.complaints(text))
    } == {}


@each("path", [*STATIC.glob("*.css"), *STATIC.glob("*.svg")])
def test_every_stylesheet_and_image_is_valid(path: Path, checker: Checker) -> None:
    """The Nu checker finds nothing, not even a warning."""
    assert checker.complaints(path.read_text(), path.suffix) == []


@each(
    ("text", "suffix"),
    [
        ("<!DOCTYPE html><html lang=fa><title>x</title><p><b></p></html>", ".html"),
        ("<!DOCTYPE html><html><title>x</title><h1>y</h1></html>", ".html"),  # a warning
        ("a { colr: red }", ".css"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><x/></svg>", ".svg"),
    ],
)
def test_checker_finds_what_is_invalid(text: str, suffix: str, checker: Checker) -> None:
    """Of each kind."""
    assert checker.complaints(text, suffix)


def violations(
    tab: Page, looks: Sequence[tuple[str, int, object]] = LOOKS
) -> list[tuple[str, str, list[str]]]:
    """Return what axe-core finds, in every one of the looks."""
    tab.evaluate(needed(AXE).read_text())
    tab.evaluate(MARK_TEXTS)
    found = []
    for scheme, width, rules in looks:
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half-way
        tab.set_viewport_size({"width": width, "height": 800})
        result = tab.evaluate("options => axe.run(document, options)", rules)
        assert result["passes"] or result["violations"]  # something applies to every page
        found += [
            (f"{scheme} {width}", violation["id"], [node["html"] for node in violation["nodes"]])
            for violation in result["violations"]
        ]
    return found


def test_axe_finds_persian_text_without_contrast(browser: Browser) -> None:
    """In every look, although its letters join."""
    with browser.new_page(locale="fa-IR") as tab:
        tab.set_content("<title>x</title><p style='color: #ccc; background: #fff'>ثبت شد</p>")
        found = [look for look, rule, _ in violations(tab) if rule == "color-contrast"]
    assert len(found) == len(LOOKS)


@each("state", [state for state in STATES if state not in ALIKE])
def test_every_page_and_state_is_accessible_and_valid(
    person: Page, simulator: Simulator, checker: Checker, state: object
) -> None:
    """axe-core finds no violation of WCAG 2.2 A and AA, nor of best practices; nor does Nu."""
    assert checker.complaints(go_to(state, person, simulator)) == []
    assert violations(person, ON_A_PHONE) == []


@pytest.mark.nightly
@each("state", STATES)
def test_every_page_and_state_is_accessible_in_every_look(
    person: Page, simulator: Simulator, checker: Checker, state: object
) -> None:
    """On a phone and a desk, light and dark."""
    assert checker.complaints(go_to(state, person, simulator)) == []
    assert violations(person) == []


@pytest.mark.parametrize("looks", [ON_A_PHONE, pytest.param(LOOKS, marks=pytest.mark.nightly)])
def test_demo_is_accessible_and_valid(
    browser: Browser, tmp_path: Path, checker: Checker, looks: Sequence[tuple[str, int, object]]
) -> None:
    """Its banner, the list of what was received, and the style guide, which it alone has."""
    with (
        serve(tmp_path, WEB_CONCURRENCY="1") as server,
        browser.new_context(base_url=server.url) as context,
    ):
        tab = context.new_page()
        tab.goto("/")
        tab.locator("#Mobile").fill(MOBILE)
        submit(tab)
        assert violations(tab, looks) == []
        tab.goto("/demo")
        expect(tab.locator(".card")).to_be_visible()
        assert violations(tab, looks) == []
        assert checker.complaints(requests.get(tab.url, timeout=30).text) == []
        guide = requests.get(f"{server.url}/styleguide", timeout=30)
        guide.encoding = "utf-8"
        assert checker.complaints(guide.text) == []
