"""Judges from outside: the Nu checker of HTML and CSS, and axe-core for accessibility."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from playwright.sync_api import expect
from serving import serve
from states import MOBILE, STATES, calm, submit
from werkzeug.security import generate_password_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, Response
    from serving import Server

    from webapp.standin import StandIn

ROOT = Path(__file__).parent.parent.parent
MODULES = ROOT / "node_modules"
VNU = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
AXE = MODULES / "axe-core" / "axe.min.js"

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 360)]


def needed(path: Path) -> Path:
    """Return the path of something that `make test` fetches."""
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing: `make test` fetches it with npm.")
    return path


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server in demo mode that asks for a login, and whose stand-in is gone."""
    users = f"sara:{generate_password_hash('x')}"
    environ = {"AMOOT_URL": "http://127.0.0.1:9/rest/", "INTRANET_USERS": users}
    folder = tmp_path_factory.mktemp("troubled")
    with serve(folder, LIMIT_LOGIN="1/minute", WEB_CONCURRENCY="1", **environ) as running:
        yield running


@contextmanager
def at_state(
    browser: Browser, server: Server, state: object, standin: StandIn, **look: object
) -> Iterator[tuple[Page, str]]:
    """Open a tab, go to a state, and see it and the server's text of it."""
    documents: list[Response] = []
    context: BrowserContext
    with browser.new_context(base_url=server.url, **look) as context:  # type: ignore[arg-type]
        tab = context.new_page()
        tab.on("response", lambda it: it.request.is_navigation_request() and documents.append(it))
        standin.forget()
        calm(tab)
        state(tab, standin)  # type: ignore[operator]
        yield tab, documents[-1].text()


def complaints(folder: Path) -> list[tuple[str, str]]:
    """Return what the Nu checker says about the files in a folder."""
    java = shutil.which("java")
    if java is None:
        pytest.fail("The Nu checker needs Java: `make test` installs `default-jre-headless`.")
    check = [java, "-jar", needed(VNU), "--format", "json", "--exit-zero-always"]
    kinds = ["--also-check-css", "--also-check-svg"]
    done = subprocess.run([*check, *kinds, folder], capture_output=True, check=True, text=True)
    messages = json.loads(done.stderr)["messages"]
    return [(Path(message["url"]).name, message["message"]) for message in messages]


def error_pages(server: Server, troubled: Server) -> dict[str, str]:
    """Return the answers that no form of ours leads to, by their status."""
    form = f"{server.url}/f/signup"
    answers = [
        requests.post(form, json={}, timeout=30),
        requests.get(troubled.url, timeout=30),
        requests.post(form, headers={"Origin": "null"}, timeout=30),
        requests.put(form, timeout=30),
        requests.get(f"{troubled.url}/demo", auth=("sara", "x"), timeout=20),
        requests.get(troubled.url, auth=("sara", "wrong"), timeout=30),
        requests.get(troubled.url, auth=("sara", "wrong"), timeout=30),
    ]
    assert [answer.status_code for answer in answers] == [400, 401, 403, 405, 500, 401, 429]
    return {str(answer.status_code): answer.text for answer in answers}


def test_every_page_and_state_is_valid_html_and_css(
    browser: Browser, server: Server, troubled: Server, standin: StandIn, tmp_path: Path
) -> None:
    """The Nu checker finds nothing, not even a warning."""
    pages = error_pages(server, troubled)
    for state in STATES:
        with at_state(browser, server, state, standin, java_script_enabled=False) as (_, text):
            pages[state.__name__] = text
    for name, text in pages.items():
        (tmp_path / f"{name}.html").write_text(text)
    for path in (ROOT / "static").glob("*.css"):
        shutil.copy(path, tmp_path)
    for path in (ROOT / "static").glob("*.svg"):
        shutil.copy(path, tmp_path)
    assert complaints(tmp_path) == []


def violations(tab: Page) -> list[tuple[str, str, list[str]]]:
    """Return what axe-core finds, in every look."""
    tab.evaluate(needed(AXE).read_text())
    run = {"runOnly": {"type": "tag", "values": RULES}}
    found = []
    for scheme, width in LOOKS:
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half-way
        tab.set_viewport_size({"width": width, "height": 800})
        result = tab.evaluate("options => axe.run(document, options)", run)
        assert result["passes"]
        found += [
            (f"{scheme} {width}", violation["id"], [node["html"] for node in violation["nodes"]])
            for violation in result["violations"]
        ]
    return found


@pytest.mark.parametrize("state", STATES)
def test_every_page_and_state_is_accessible(
    browser: Browser, server: Server, standin: StandIn, state: object
) -> None:
    """axe-core finds no violation of WCAG 2.2 A and AA, nor of its best practices."""
    with at_state(browser, server, state, standin) as (tab, _):
        assert violations(tab) == []


def test_the_demo_is_accessible_and_valid(browser: Browser, tmp_path: Path) -> None:
    """Its banner, and the list of what was received."""
    with serve(tmp_path) as server, browser.new_context(base_url=server.url) as context:
        tab = context.new_page()
        tab.goto("/")
        tab.locator("#Mobile").fill(MOBILE)
        submit(tab)
        assert violations(tab) == []
        tab.goto("/demo")
        expect(tab.locator(".card")).to_be_visible()
        assert violations(tab) == []
        (tmp_path / "page").mkdir()
        (tmp_path / "page" / "demo.html").write_text(requests.get(tab.url, timeout=30).text)
    assert complaints(tmp_path / "page") == []
