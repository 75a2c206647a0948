"""What the script adds in a real browser, and that nothing is missing without it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect
from serving import Server
from states import MOBILE, MORE, calm, respelled, store_label, until
from tables import each

from webapp import messages
from webapp.demo import Simulator
from webapp.messages import desk


@each(
    ("typed", "said"),
    [
        ("۱۳۶۹/۷/۱۵", "یکشنبه ۱۵ مهر ۱۳۶۹"),
        ("1369-07-15", "یکشنبه ۱۵ مهر ۱۳۶۹"),
        ("15/7/1369", "یکشنبه ۱۵ مهر ۱۳۶۹"),
        ("13690715", "یکشنبه ۱۵ مهر ۱۳۶۹"),
        ("٢٠٢٦/٣/٢١", "شنبه ۱ فروردین ۱۴۰۵"),
        ("۱۴۰۳/۱۲/۳۰", "پنجشنبه ۳۰ اسفند ۱۴۰۳"),
        ("۱۲۸۰/۱/۱", "پنجشنبه ۱ فروردین ۱۲۸۰"),
        ("۱۵۰۰/۱۲/۲۹", "جمعه ۲۹ اسفند ۱۵۰۰"),
        ("۱۴۰۴/۱۲/۳۰", ""),
        ("۱۴۰۴/۱۳/۱", ""),
        ("2025/2/30", ""),
        ("۶۹/۷/۱۵", ""),
        ("۱۵ مهر ۱۳۶۹", ""),
        ("", ""),
    ],
)
def test_date_of_plain_numbers_is_said_in_words(tab: Page, typed: str, said: str) -> None:
    """The echo says what the server will understand, or nothing."""
    field, echo = tab.locator("#BornDate"), tab.locator("output[for=BornDate]")
    if not field.count():
        tab.goto("/")
        tab.locator(MORE).click()
    field.fill("")
    expect(echo).to_be_empty()
    field.fill(typed)
    expect(echo).to_have_text(re.compile(f"^{said}$"))


def test_date_in_parts_is_said_in_words(tab: Page) -> None:
    """Once all three are there."""
    tab.goto("/f/signup")
    echo = tab.locator("output")
    tab.locator("#BornDate-day").fill("۱۵")
    tab.locator("#BornDate-month").select_option(label="مهر")
    expect(echo).to_be_empty()
    tab.locator("#BornDate-year").fill("۱۳۶۹")
    expect(echo).to_have_text("یکشنبه ۱۵ مهر ۱۳۶۹")


def test_double_click_sends_once_and_the_button_says_that_it_works(
    tab: Page, simulator: Simulator
) -> None:
    """While the portal is slow, the second click does nothing."""
    simulator.purge()
    tab.goto("/")
    tab.locator("#Mobile").fill(MOBILE)
    twice = "button => [button.click(), button.click(), button.textContent, button.ariaDisabled]"
    with tab.expect_navigation():
        state = tab.locator("button[type=submit]").evaluate(twice)
    assert state[2:] == [messages.SENDING, "true"]
    expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
    assert len(simulator.contacts) == 1


def test_ctrl_enter_sends_from_the_text_area(tab: Page, simulator: Simulator) -> None:
    """Enter alone makes a new line there."""
    simulator.purge()
    tab.goto("/")
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator(MORE).click()
    tab.locator("#AddressText").fill("یک")
    tab.keyboard.press("Enter")
    tab.keyboard.type("دو")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
    assert simulator.contacts[0]["AddressText"] == "یک\nدو"


@pytest.fixture
def asked(tab: Page) -> list[str]:
    """Return the questions that the browser asked before leaving; each is answered with yes."""
    questions: list[str] = []

    def accept(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.accept()

    tab.on("dialog", accept)
    return questions


def test_leaving_with_unsent_input_is_asked_for(tab: Page, asked: list[str]) -> None:
    """The browser asks, in its own words."""
    tab.goto("/")
    tab.locator("#FName").press_sequentially("سارا")
    tab.goto("/f/signup")
    assert asked == ["beforeunload"]


def test_leaving_after_an_error_is_asked_for(tab: Page, asked: list[str]) -> None:
    """What came back was not recorded."""
    tab.goto("/")
    tab.locator("#Mobile").press_sequentially("0912")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_be_visible()
    assert asked == []
    tab.locator("#FName").click()
    tab.goto("/f/signup")
    assert asked == ["beforeunload"]


def test_leaving_an_untouched_or_a_sent_form_is_not_asked_for(tab: Page, asked: list[str]) -> None:
    """Nothing would be lost."""
    tab.goto("/")
    tab.locator("#FName").press_sequentially("س")
    tab.keyboard.press("Backspace")
    tab.goto("/")
    tab.locator("#Mobile").press_sequentially("09121234567")
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
    tab.goto("/f/signup")
    assert asked == []


def test_on_the_way_back_the_button_works_again(tab: Page, simulator: Simulator) -> None:
    """A page that the browser kept is not left busy."""
    simulator.purge()
    tab.goto("/f/signup")
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#consent").check()
    tab.locator("button[type=submit]").click()
    expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
    tab.go_back()
    button = tab.locator("button[type=submit]")
    expect(button).to_have_text("عضویت در خبرنامه")
    expect(button).not_to_have_attribute("aria-disabled", "true")


def test_suggestions_go_on_with_the_next_label(tab: Page, simulator: Simulator) -> None:
    """A browser replaces the whole value by the suggestion."""
    store_label(simulator, "ویژه")
    until(tab, "/", "datalist option[value=ویژه]")
    field, option = tab.locator("#Labels"), tab.locator("datalist option")
    if not field.is_visible():
        tab.locator(MORE).click()
    for typed, suggested in {
        "و": "ویژه",
        "همکار، ": "همکار، ویژه",
        "همکار، و": "همکار، ویژه",
        "یک,دو,و": "یک,دو,ویژه",
        "": "ویژه",
    }.items():
        field.fill(typed)
        expect(option).to_have_attribute("value", suggested)


@pytest.fixture
def plain(browser: Browser, server: Server, running: Simulator) -> Iterator[Page]:
    """Open a tab without script, as narrow as the narrowest phone, once the server is calm."""
    running.mood = None
    size = {"width": 320, "height": 640}
    with browser.new_context(
        base_url=server.url, java_script_enabled=False, viewport=size
    ) as context:
        page = context.new_page()
        calm(page)
        yield page


def test_without_script_everything_works(plain: Page, simulator: Simulator) -> None:
    """An error with its focus and its links, the corrected form, the success, the next contact."""
    simulator.purge()
    plain.goto("/")
    expect(plain.locator("#Mobile")).to_be_focused()  # a moment after the page is there
    plain.keyboard.type("0912")
    plain.keyboard.press("Enter")
    expect(plain).to_have_title("خطا: ثبت مخاطب")
    expect(plain.get_by_role("alert")).to_be_focused()
    plain.get_by_role("alert").get_by_role("link").click()
    expect(plain.locator("#Mobile")).to_be_focused()
    plain.locator("#Mobile").fill(MOBILE)
    plain.locator(MORE).click()
    plain.locator("#BornDate").fill("۱۵ مهر ۱۳۶۹")
    plain.keyboard.press("Enter")
    expect(plain.locator("[data-outcome=delivered]")).to_be_visible()
    expect(plain.locator("#Mobile")).to_be_focused()
    expect(plain.locator("#Mobile")).to_be_empty()
    assert [contact["BornDate"][:10] for contact in simulator.contacts] == ["1990-10-07"]


def test_without_script_a_spelling_is_chosen(plain: Page, simulator: Simulator) -> None:
    """By keyboard, in the page that came back."""
    respelled(plain, simulator)
    store_label(simulator, "VIP")
    expect(plain.get_by_role("radio", name=messages.LABEL_USE_EXISTING)).to_be_checked()
    plain.get_by_role("radio", name=messages.LABEL_USE_TYPED).check()
    plain.keyboard.press("Enter")
    expect(plain.locator("[data-outcome=delivered]")).to_be_visible()
    assert [contact["Labels"] for contact in simulator.contacts] == [["VIP"], ["vip"]]


EDGES = """all => all.map(it => it.getBoundingClientRect())
  .map(box => [box.left, box.right])"""


@each("path", ["/", "/f/signup", "/nowhere"])
@each("width", [320, 640])
def test_no_page_scrolls_sideways(plain: Page, path: str, width: int) -> None:
    """On the narrowest phone, and at 200 % zoom on a desk."""
    plain.set_viewport_size({"width": width, "height": 640})
    plain.goto(path)
    if plain.locator(MORE).count():
        plain.locator(MORE).click()
    (box,) = [element.bounding_box() for element in plain.locator("body").all()]
    assert box
    assert box["width"] <= width
    inner = plain.locator("main *:visible").evaluate_all(EDGES)
    assert [edges for edges in inner if edges[0] < 0 or edges[1] > width] == []


SIZES = """all => all.map(it => [it.outerHTML, it.getBoundingClientRect()])
  .map(([html, box]) => [html, box.width, box.height])"""


@each("path", ["/", "/f/signup"])
def test_every_target_is_large_enough_for_a_thumb(plain: Page, path: str) -> None:
    """44 pixels at least, in both directions; a label counts with its box."""
    plain.goto(path)
    if plain.locator(MORE).count():
        plain.locator(MORE).click()
    inputs = "input:not([type=hidden], [type=radio], [type=checkbox], .bait *)"
    targets = "select, textarea, button, summary, label.choice"
    keys = plain.get_by_role("button", name=desk.KEYS)  # opens what is hidden
    if keys.count():
        keys.click()
    shown = plain.locator(f"{inputs}, {targets}").locator("visible=true").evaluate_all(SIZES)
    assert shown
    assert [(html, *size) for html, *size in shown if min(size) < 44] == []
