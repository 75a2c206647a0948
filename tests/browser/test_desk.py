"""What operators have around their form: menu, keys, a wide layout, a list that is forgotten."""

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect
from serving import Server
from states import MOBILE, MORE, store_contact, submit
from support import wait_until

from webapp import messages
from webapp.demo import Simulator
from webapp.forms import HONEYPOT_INPUT
from webapp.messages import desk as texts

COUNT = texts.ATTENTION_MANY.format(n=99)
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1100, "height": 900}


def record(tab: Page) -> None:
    """Record a contact with a city."""
    tab.goto("/")
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#CityName").fill("شیراز")
    submit(tab)


def wait_for_focus(tab: Page) -> None:
    """Wait until keys do something: the script has run, and the browser has set the focus."""
    tab.wait_for_load_state()
    expect(tab.locator("#Mobile")).to_be_focused()


def test_menu_on_a_phone_opens_and_leads_on(browser: Browser, server: Server) -> None:
    """Without script, too; on a wide screen there is nothing to open."""
    options: Any = {"base_url": server.url, "java_script_enabled": False}
    with browser.new_context(viewport=PHONE, **options) as phone:
        tab = phone.new_page()
        tab.goto("/")
        link = tab.get_by_role("link", name=texts.HELP)
        expect(link).to_be_hidden()
        tab.get_by_role("button", name=texts.MENU).click()
        link.click()
        expect(tab).to_have_url(f"{server.url}/help")
    with browser.new_context(viewport=DESK, **options) as desk:
        tab = desk.new_page()
        tab.goto("/")
        expect(tab.get_by_role("link", name=texts.HELP)).to_be_visible()
        expect(tab.get_by_role("button", name=texts.MENU)).to_be_hidden()


def test_menu_on_a_phone_leaves_its_button_in_sight(browser: Browser, server: Server) -> None:
    """However long the organisation's name is, and with a count in the button."""
    with browser.new_context(viewport=PHONE, base_url=server.url) as phone:
        tab = phone.new_page()
        tab.goto("/")
        tab.locator(".brand").evaluate("it => { it.textContent = 'سازمان '.repeat(11) }")
        button = tab.get_by_role("button", name=texts.MENU)
        button.evaluate("(it, count) => { it.dataset.count = count }", COUNT)
        button.click()
        above, below = button.bounding_box(), tab.locator("#menu").bounding_box()
        assert above
        assert below
        assert above["y"] + above["height"] <= below["y"]


def test_form_and_list_fit_on_a_phone(browser: Browser, server: Server) -> None:
    """The result and the link of each contact too; and the form at twice the text size.

    So does the menu's button with its count, which is there or not by what the outbox holds.
    """
    with browser.new_context(viewport=PHONE, base_url=server.url) as phone:
        tab = phone.new_page()
        record(tab)
        recent = tab.locator(".recent .scroll")
        assert recent.evaluate("it => it.scrollWidth <= it.clientWidth")
        count = texts.ATTENTION_MANY.format(n="۹۹")
        tab.evaluate("count => { document.querySelector('.menu').dataset.count = count }", count)
        tab.evaluate("document.documentElement.style.fontSize = '200%'")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_skip_link_leads_to_the_content(tab: Page) -> None:
    """It is the first stop of the keyboard, and visible then."""
    tab.goto("/help")
    tab.keyboard.press("Tab")
    skip = tab.get_by_role("link", name=texts.SKIP_TO_MAIN)
    expect(skip).to_be_focused()
    assert skip.bounding_box()["height"] > 10  # type: ignore[index]
    tab.keyboard.press("Enter")
    expect(tab).to_have_url("/help#main")


def test_first_fields_and_button_fit_on_a_wide_screen(browser: Browser, server: Server) -> None:
    """Within 900 px of height, in three columns; the button stays while the rest is open."""
    with browser.new_context(viewport=DESK, base_url=server.url) as desk:
        tab = desk.new_page()
        tab.goto("/")
        button = tab.get_by_role("button", name=messages.SUBMIT)
        box = button.bounding_box()
        assert box
        assert box["y"] + box["height"] < 900
        tops = {tab.locator(f"#{name}").bounding_box()["y"] for name in ("FName", "LName")}  # type: ignore[index]
        assert tops == {tab.locator("#Mobile").bounding_box()["y"]}  # type: ignore[index]
        tab.locator(MORE).click()
        tab.evaluate("scrollTo(0, 400)")
        expect(button).to_be_in_viewport()
        last = tab.locator("#CustomDate3")
        last.focus()
        assert last.bounding_box()["y"] + 48 <= button.bounding_box()["y"]  # type: ignore[index]


def test_single_keys_work_only_outside_of_fields(tab: Page) -> None:
    """In a field they are letters; Esc leads out of it."""
    record(tab)
    wait_for_focus(tab)
    tab.keyboard.press("o")
    expect(tab.locator("#Mobile")).to_have_value("o")
    tab.locator("#Mobile").fill("")
    for field in ("[type=radio]", "[type=checkbox]"):
        tab.locator(field).first.focus()
        tab.keyboard.press("?")
        expect(tab.locator("#keys")).to_be_hidden()
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    expect(tab.locator("#keys")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator("#keys")).to_be_hidden()
    tab.keyboard.press("l")
    expect(tab.locator("#CityName")).to_have_value("شیراز")
    wait_for_focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("n")
    expect(tab.locator("#CityName")).to_have_value("")
    wait_for_focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("o")
    expect(tab).to_have_url("/outbox")


def test_single_keys_can_be_switched_off(tab: Page) -> None:
    """For those who speak to their computer; it remembers that."""
    tab.goto("/")
    tab.get_by_role("button", name=texts.KEYS).click()
    tab.get_by_label(texts.KEYS_SWITCH).uncheck()
    tab.goto("/")
    wait_for_focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    expect(tab.locator("#keys")).to_be_hidden()


def test_single_keys_work_where_cookies_are_blocked(tab: Page) -> None:
    """Storage fails there, too."""
    tab.add_init_script(
        "Object.defineProperty(window, 'localStorage', "
        "{get() { throw new DOMException('blocked', 'SecurityError'); }})"
    )
    tab.goto("/")
    wait_for_focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    expect(tab.locator("#keys")).to_be_visible()


def test_key_for_a_similar_contact_copies_the_last_one_or_nothing(tab: Page) -> None:
    """Never an older one."""
    record(tab)
    tab.locator("#Mobile").fill("09350000001")
    submit(tab)
    expect(tab.locator(".recent tbody tr")).to_have_count(2)
    wait_for_focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("l")
    tab.keyboard.press("?")
    expect(tab.locator("#keys")).to_be_visible()
    expect(tab.locator("#CityName")).to_have_value("")


def test_key_for_the_next_contact_works_under_the_forms_other_address(tab: Page) -> None:
    """The main form has two."""
    tab.goto("/f/contact")
    wait_for_focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("n")
    expect(tab).to_have_url("/")


def sign_up_as_robot(tab: Page, mobile: str) -> None:
    """Leave a row for operators."""
    tab.goto("/f/signup")
    tab.locator("#Mobile").fill(mobile)
    tab.locator("#FName").fill("کیوان")
    tab.locator("#consent").check()
    tab.locator(f"#{HONEYPOT_INPUT}").fill("x", force=True)
    submit(tab)


def test_lists_are_walked_by_single_keys(tab: Page) -> None:
    """J and K, or arrows once a row has the focus; Enter opens, X selects; not in fields."""
    for mobile in ("09354440001", "09354440002"):
        sign_up_as_robot(tab, mobile)
    tab.goto("/outbox?q=0935444")
    openers, boxes = tab.locator(".listing summary"), tab.locator("[name=reference]")
    expect(openers).to_have_count(2)
    tab.wait_for_load_state()
    tab.keyboard.press("x")  # no row has the focus
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("body")).to_be_focused()
    tab.keyboard.press("j")
    expect(openers.first).to_be_focused()
    for key, place in (("j", 1), ("j", 1), ("k", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("k", 0)):
        tab.keyboard.press(key)
        expect(openers.nth(place)).to_be_focused()
    tab.keyboard.press("x")
    tab.keyboard.press("Enter")
    expect(boxes.first).to_be_checked()
    expect(boxes.last).not_to_be_checked()
    expect(tab.locator(".listing details").first).to_have_attribute("open", "")
    tab.locator("#q").focus()
    tab.keyboard.type("jx")
    expect(tab.locator("#q")).to_have_value("jx0935444")
    expect(boxes.first).to_be_checked()
    tab.keyboard.press("Escape")
    tab.keyboard.press("n")
    expect(tab.locator("#contact-form")).to_be_visible()


def test_recent_list_is_walked_by_single_keys_until_they_are_switched_off(tab: Page) -> None:
    """From the form, and its rows open what corrects them."""
    record(tab)
    wait_for_focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("/outbox/[A-Z0-9]{8}$"))
    tab.goto("/")
    tab.evaluate("localStorage.setItem('keys', 'off')")
    tab.goto("/")
    wait_for_focus(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("j")
    expect(tab.locator("body")).to_be_focused()


def paste(tab: Page, text: str) -> None:
    """Paste a text into the number's field: cut it from another one."""
    tab.locator("#JobTitle").fill(text)
    tab.keyboard.press("Control+A")
    tab.keyboard.press("Control+X")
    tab.locator("#Mobile").focus()
    tab.keyboard.press("Control+V")


def test_pasted_line_is_divided_at_once_and_enter_records_it(tab: Page) -> None:
    """Number and name stand in their fields, and the focus in the number's."""
    tab.goto("/")
    wait_for_focus(tab)
    tab.locator(MORE).click()
    with tab.expect_navigation():
        paste(tab, "سارا احمدی\t۰۹۳۵۴۴۴۰۰۰۳")
    expect(tab.locator("#divided")).to_have_text(messages.DIVIDED)
    values = [tab.locator(f"#{name}").input_value() for name in ("Mobile", "FName", "LName")]
    assert values == ["09354440003", "سارا", "احمدی"]
    wait_for_focus(tab)
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-outcome=delivered]")).to_contain_text("سارا احمدی")


def test_pasted_number_without_a_name_is_not_sent(tab: Page) -> None:
    """Whatever signs are around it."""
    tab.goto("/")
    wait_for_focus(tab)
    tab.locator(MORE).click()
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(request.method))
    for text in ("tel:0912-123-4567", "۰۹۱۲ ۱۲۳ ۴۵۶۷", "09ـ12ـ1234567", "سارا"):
        tab.locator("#Mobile").fill("")
        paste(tab, text)
        expect(tab.locator("#Mobile")).to_have_value(text)
    assert "POST" not in sent


def test_known_number_is_asked_about_while_the_next_field_is_typed(
    tab: Page, simulator: Simulator
) -> None:
    """The focus stays; a tick answers, and another number takes the question back."""
    mobile = "09351112233"  # of this test only: its server is shared
    store_contact(simulator, mobile)
    tab.goto("/f/asking")
    question = tab.locator("[data-outcome=duplicate]")
    tab.locator("#Mobile").fill(mobile)
    tab.keyboard.press("Tab")
    expect(question).to_contain_text("سارا رضایی")
    expect(tab.locator("#FName")).to_be_focused()
    tab.locator("#Mobile").fill("09129990000")
    tab.keyboard.press("Tab")
    expect(question).to_be_hidden()
    tab.locator("#Mobile").fill(mobile)
    tab.keyboard.press("Tab")
    tab.get_by_label(texts.DUPLICATE_CREATE).check()
    submit(tab)
    expect(tab.locator("[data-outcome=delivered]")).to_be_visible()


def test_question_follows_what_is_typed_and_keeps_its_answer(
    tab: Page, simulator: Simulator
) -> None:
    """A name that differs is told once it is typed; the tick and the focus stay."""
    mobile = "09351112244"
    store_contact(simulator, mobile)
    tab.goto("/f/asking")
    question = tab.locator("[data-outcome=duplicate]")
    tab.locator("#Mobile").fill(mobile)
    tab.keyboard.press("Tab")
    expect(question).to_contain_text("سارا رضایی")
    tab.get_by_label(texts.DUPLICATE_CREATE).check()
    tab.locator("#FName").fill("مینا")
    tab.keyboard.press("Tab")
    told = texts.DUPLICATE_DIFFERENCE.format(caption="نام", stored="سارا", typed="مینا")
    expect(question).to_contain_text(told)
    expect(tab.get_by_label(texts.DUPLICATE_CREATE)).to_be_checked()
    expect(tab.locator("#LName")).to_be_focused()


def test_question_does_not_cover_the_field_with_the_focus(
    browser: Browser, server: Server, simulator: Simulator
) -> None:
    """While the long part is open."""
    store_contact(simulator)
    with browser.new_context(viewport=DESK, base_url=server.url) as desk:
        tab = desk.new_page()
        tab.goto("/f/asking")
        tab.locator("#Mobile").fill(MOBILE)
        tab.keyboard.press("Tab")
        question = tab.locator(".early")
        expect(question).to_be_visible()
        tab.locator(MORE).click()
        tab.set_viewport_size({"width": 1100, "height": 600})
        field = tab.locator("form > .grid input").last
        field.evaluate("it => scrollBy(0, it.getBoundingClientRect().bottom - innerHeight + 150)")
        field.focus()

        def is_clear() -> bool:
            above, below = field.bounding_box(), question.bounding_box()
            return bool(above and below and above["y"] + above["height"] <= below["y"])

        wait_until(is_clear)  # the page scrolls


def test_other_number_takes_the_question_of_the_last_submission_back(
    tab: Page, simulator: Simulator
) -> None:
    """There is one question at most, and it is about the number in the field."""
    store_contact(simulator)
    tab.goto("/f/asking")
    tab.locator("#Mobile").fill(MOBILE)
    tab.keyboard.press("Enter")
    question = tab.locator("[data-outcome=duplicate]")
    expect(question).to_have_attribute("role", "alert")
    tab.locator("#Mobile").press("Enter")
    expect(question).to_have_attribute("role", "alert")
    tab.locator("#Mobile").fill("09129990000")
    tab.keyboard.press("Tab")
    expect(question).to_be_hidden()


def test_recorded_contact_is_corrected_from_its_receipt_and_after_back(
    tab: Page, simulator: Simulator
) -> None:
    """The form has what the portal has, the first correction too; there is no second contact."""
    mobile = "09351230031"  # of this test only: its server is shared
    tab.goto("/f/asking")
    tab.locator("#Mobile").fill(mobile)
    tab.locator("#FName").fill("سارا")
    submit(tab)
    tab.locator("[data-outcome=delivered]").get_by_role("link").click()
    expect(tab.locator("#FName")).to_have_value("سارا")
    tab.locator("#FName").fill("سارینا")
    submit(tab)
    expect(tab.locator("[data-outcome=corrected]")).to_be_visible()
    tab.go_back()
    expect(tab.locator("#FName")).to_have_value("سارینا")
    tab.locator("#FName").fill("سمیرا")
    submit(tab)
    expect(tab.locator("[data-outcome=corrected]")).to_be_visible()
    names = [it["FName"] for it in simulator.contacts if str(it["Mobile"])[2:] == mobile[1:]]
    assert names == ["سمیرا"]


def test_list_of_submissions_is_forgotten(tab: Page) -> None:
    """And the form is ready."""
    record(tab)
    expect(tab.get_by_role("heading", name=texts.RECENT_TITLE)).to_be_visible()
    tab.get_by_role("button", name=texts.RECENT_FORGET).click()
    expect(tab.get_by_role("heading", name=texts.RECENT_TITLE)).to_be_hidden()
    expect(tab.locator("#Mobile")).to_be_visible()


def test_cancelled_question_leaves_without_a_warning(tab: Page, simulator: Simulator) -> None:
    """Who cancels has said so already."""
    store_contact(simulator)
    warnings: list[str] = []
    tab.on("dialog", lambda dialog: (warnings.append(dialog.type), dialog.accept()))
    tab.goto("/f/asking")
    tab.locator("#Mobile").fill(MOBILE)
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name=texts.DUPLICATE_KEEP).click()
    expect(tab.locator("[data-outcome=kept]")).to_be_visible()
    expect(tab.locator("#Mobile")).to_have_value("")
    assert not warnings


def test_known_number_without_script_is_asked_about_at_submit(
    browser: Browser, server: Server, simulator: Simulator
) -> None:
    """And the answer is a button."""
    store_contact(simulator)
    with browser.new_context(base_url=server.url, java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto("/f/asking")
        tab.locator("#Mobile").fill(MOBILE)
        submit(tab)
        with tab.expect_navigation():
            tab.get_by_role("button", name=texts.DUPLICATE_CREATE).click()
        expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
