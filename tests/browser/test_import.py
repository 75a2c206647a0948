"""An operator imports a spreadsheet, with and without script, on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from serving import Server
from states import MOBILE, bring, calm, store_contact

from webapp.demo import Simulator
from webapp.messages import imports as texts

PHONE = {"width": 360, "height": 740}
LINES_OF_NUMBERS = """() => [...document.querySelectorAll(".numbers dd")].map((number) => {
  number.textContent = "۲۰٬۰۰۰";
  const range = document.createRange();
  range.selectNodeContents(number);
  return range.getClientRects().length;
})"""


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
        if has_script:  # the largest number, in three tiles beside each other
            assert tab.evaluate(LINES_OF_NUMBERS) == [1, 1, 1]
            assert len(set(tab.evaluate(widths))) == 1
    assert len(simulator.contacts) == 40


def test_number_that_the_phonebook_has_is_asked_about_once_it_is_found(
    tab: Page, simulator: Simulator
) -> None:
    """Nobody has to open the preview again."""
    simulator.purge()
    store_contact(simulator)
    bring(tab, f"Mobile,CityName\n{MOBILE},یزد\n".encode())
    expect(tab.locator("[name=known]").first).to_be_visible()
    expect(tab.locator("[data-rows-known='1']")).to_be_visible()


@pytest.mark.parametrize("has_script", [True, False])
def test_wrong_cell_is_mended_on_a_phone(
    browser: Browser, server: Server, simulator: Simulator, *, has_script: bool
) -> None:
    """With and without script; nothing is wider than the screen, nor is a focus covered."""
    simulator.purge()
    options = {"base_url": server.url, "java_script_enabled": has_script, "viewport": PHONE}
    with browser.new_context(**options) as context:  # type: ignore[arg-type]
        tab = context.new_page()
        bring(tab, b"Mobile,FName,x\n0912,a,1\n09123330001,b,2\n")
        cell = tab.locator("[name=row-2-0]")
        cell.fill("09123330002")
        cell.focus()
        box, bar = cell.bounding_box(), tab.locator(".afoot").bounding_box()
        assert box
        assert bar
        assert box["y"] + box["height"] <= bar["y"]
        if has_script:
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            with tab.expect_event("dialog") as asked:  # before what was typed is lost
                tab.close(run_before_unload=True)
            assert asked.value.type == "beforeunload"
            asked.value.dismiss()
        with tab.expect_navigation():  # nothing is asked: a dialog would stop it
            tab.locator("[name=mend]").click()
        expect(tab.locator("[data-rows-ready='2'][data-rows-wrong='0']")).to_be_visible()


@pytest.mark.parametrize(("height", "is_in_sight"), [(768, True), (330, False)])
def test_button_of_a_long_preview_is_in_sight_where_there_is_height_for_it(
    tab: Page, height: int, *, is_in_sight: bool
) -> None:
    """Not at 200 % on a laptop, where it would cover the rows."""
    tab.set_viewport_size({"width": 1366 if is_in_sight else 683, "height": height})
    rows = "".join(f"0912444{number:04},a\n" for number in range(40))
    bring(tab, f"Mobile,FName\n{rows}".encode())
    go = tab.locator("[name=go]")
    for _ in range(2):
        box = go.bounding_box()
        assert box
        assert (box["y"] + box["height"] <= height) is is_in_sight
        tab.locator("#ready").scroll_into_view_if_needed()


def test_file_is_dropped_on_its_input_and_beside_it(tab: Page, tmp_path: Path) -> None:
    """The input takes it by itself; the script shows that, and takes it elsewhere on the page."""
    file = tmp_path / "a.csv"
    file.write_text("Mobile\n09123330003\n")
    tab.goto("/import")
    zone = tab.locator("#file")
    box = zone.bounding_box()
    assert box
    assert box["height"] >= 90
    devtools = tab.context.new_cdp_session(tab)
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    places = ((box["x"] + 20, box["y"] + 20), (5, 5))
    for x, y in places:
        zone.evaluate("it => { it.value = '' }")
        for kind in ("dragEnter", "dragOver"):
            event = {"type": kind, "x": x, "y": y, "data": data}
            devtools.send("Input.dispatchDragEvent", event)
        expect(zone).to_have_attribute("data-over", "")
        devtools.send("Input.dispatchDragEvent", {"type": "drop", "x": x, "y": y, "data": data})
        expect(zone).not_to_have_attribute("data-over", "")
        assert zone.evaluate("it => it.files[0]?.name") == "a.csv"
    with tab.expect_navigation():
        tab.locator("main form button").click()
    expect(tab.locator("[data-rows-ready='1']")).to_be_visible()
