"""A pytest plugin: the browser that tests of pages and journeys share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# Without these, Chromium as root does not start, and asks hosts of its maker for news. The last one
# blocks third-party cookies, whatever this version does by default.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--test-third-party-cookie-phaseout",
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


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Run Chromium. There is one in a process: Playwright allows no second one."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  the quick tests need none

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield running
        running.close()
