"""The browser that most tests of pages and journeys share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright
from words import PATIENCE_MS, speak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# Without these, Chromium as root does not start, and asks hosts of its maker for news.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> str:
    """Return the path of Debian's Chromium.

    By default the one without windows, which takes a fifth of the processor's time.
    """
    for program in (request.config.getoption("chromium"), "chromium"):
        if found := shutil.which(program):
            return found
    pytest.fail("Chromium is missing: `make test` installs Debian's `chromium-headless-shell`.")


@pytest.fixture(scope="session", autouse=True)
def readable_failures() -> Iterator[None]:
    """Let tests that cannot go on say why."""
    with pytest.MonkeyPatch.context() as patch:
        speak(patch)
        expect.set_options(timeout=PATIENCE_MS)
        yield


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Run Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield running
        running.close()
