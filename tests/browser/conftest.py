"""Fixtures: the real server in front of a stand-in portal, and a real browser."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright
from serving import serve
from support import SECRET, TOKEN

from webapp.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from serving import Server

# Without these, Chromium as root does not start, and asks hosts of its maker for news.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    """Run a stand-in portal for the server."""
    with StandIn(token=TOKEN) as running:
        yield running


@pytest.fixture(scope="module")
def server(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the server in front of the stand-in."""
    environ = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": standin.url, "SECRET_KEY": SECRET}
    with serve(tmp_path_factory.mktemp("server"), **environ) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run Debian's Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("These tests need Chromium: `make test` installs Debian's package `chromium`.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield running
        running.close()


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Page]:
    """Open an empty tab for the server's pages; an error in a script fails the test."""
    with browser.new_context(base_url=server.url, locale="fa-IR") as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        assert not faults
