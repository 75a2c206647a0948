"""An operator imports a spreadsheet, with and without script, on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from states import MOBILE, bring, calm, store_contact

from webapp.messages import imports as texts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from serving import Server

    from webapp.demo.server import Simulator

PHONE = {"width": 360, "height": 740}


@pytest.mark.parametrize("has_script", [True, False])
def test_import_runs_to_its_report_automatically(
    browser: Browser, server: Server, simulator: Simulator, *, has_script: bool
) -> None:
    """The progress renews itself, or by a link; nothing is wider than the screen."""
    options = {"base_url": server.url, "java_script_enabled": has_script, "viewport": PHONE}
    first = 1000 if has_script else 2000
    lines = [f"0912{first + number:07},سارا" for number in range(40)]
    with browser.new_context(**options) as context:  # type: ignore[arg-type]
        tab = context.new_page()
        calm(tab)
        bring(tab, "\n".join(["Mobile,FName", *lines]).encode())
        expect(tab.locator("[data-rows-ready='40']")).to_be_visible()
        widths = "[document.documentElement.scrollWidth, innerWidth]"
        if has_script:
            assert len(set(tab.evaluate(widths))) == 1
        with tab.expect_navigation():
            tab.locator("[name=go]").click()
        expect(tab.locator("[name=pause]")).to_be_visible()
        done = tab.get_by_text(texts.STATES["done"]).first
        while not has_script and not done.is_visible():
            with tab.expect_navigation():
                tab.get_by_role("link", name=texts.RENEW_NUMBERS).click()
        expect(done).to_be_visible(timeout=60_000)
        expect(tab.locator("[data-rows-sent='40'][data-rows-waiting='0']")).to_be_visible()
    assert len(simulator.contacts) == 40


def test_number_that_the_phonebook_has_is_asked_about_once_it_is_found(
    tab: Page, simulator: Simulator
) -> None:
    """Nobody has to open the preview again."""
    simulator.purge()
    calm(tab)
    store_contact(simulator)
    bring(tab, f"Mobile,CityName\n{MOBILE},یزد\n".encode())
    expect(tab.locator("[name=known]").first).to_be_visible()
    expect(tab.locator("[data-rows-known='1']")).to_be_visible()
