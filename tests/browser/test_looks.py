"""What the stylesheets promise: lines that meet, small windows, and print."""

from playwright.sync_api import Browser, Page, expect
from serving import Server
from states import MORE, submit, until
from tables import each

from webapp import messages
from webapp.demo import Simulator

# Whether the element with the focus is what stands at its own place, and within the window.
IS_CLEAR = """() => {
  const focused = document.activeElement, box = focused.getBoundingClientRect();
  const x = box.left + box.width / 2, y = box.top + Math.min(box.height, 48) / 2; // its first line
  const found = document.elementFromPoint(x, y);
  return focused === found || focused.contains(found) || focused.closest("label")?.contains(found);
}"""


def top(tab: Page, selector: str) -> float:
    """Return where an element begins."""
    box = tab.locator(selector).bounding_box()
    assert box
    return box["y"]


def right(tab: Page, selector: str) -> float:
    """Return where an element begins for a Persian reader."""
    found = tab.locator(selector).evaluate(
        "it => it.getBoundingClientRect().right - parseFloat(getComputedStyle(it).paddingRight)"
    )
    return float(found)


def test_labels_and_inputs_of_a_row_stand_on_one_line(tab: Page) -> None:
    """Although one of them has a hint and an error."""
    tab.set_viewport_size({"width": 1366, "height": 800})
    tab.goto("/")
    tab.locator("#Mobile").fill("0912")
    submit(tab)
    expect(tab.locator("#Mobile-error")).to_be_visible()
    names = ("Mobile", "FName", "LName")
    assert len({top(tab, f"label[for={name}]") for name in names}) == 1
    assert len({top(tab, f"#{name}") for name in names}) == 1


def test_form_with_its_button_fits_a_small_laptop_and_the_receipt_moves_nothing(tab: Page) -> None:
    """1366 × 650, what a browser leaves of a common screen; the intro is shown the first time."""
    tab.set_viewport_size({"width": 1366, "height": 650})
    tab.goto("/")
    button = "#contact-form > .actions button"
    hide_banner(tab)
    before = top(tab, button)
    expect(tab.locator(".intro")).to_be_visible()
    tab.locator("#Mobile").fill("09121234567")
    tab.locator("#LName").fill("کاظمی")
    submit(tab)
    expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
    hide_banner(tab)
    expect(tab.locator(button)).to_be_in_viewport(ratio=1)
    assert abs(top(tab, button) - before) <= 4
    expect(tab.locator(".intro")).to_be_hidden()


def test_form_with_one_error_and_its_button_fits_a_small_laptop(tab: Page) -> None:
    """The summary takes a line, and the error another one."""
    tab.set_viewport_size({"width": 1366, "height": 650})
    tab.goto("/")
    hide_banner(tab)
    tab.locator("#Mobile").fill("0912")
    submit(tab)
    expect(tab.locator("#Mobile-error")).to_be_visible()
    hide_banner(tab)
    expect(tab.locator("#contact-form > .actions button")).to_be_in_viewport(ratio=1)


def test_form_with_its_button_fits_a_small_laptop_below_the_banner_of_demo_mode(tab: Page) -> None:
    """Where everybody begins who tries the program."""
    tab.set_viewport_size({"width": 1366, "height": 650})
    tab.goto("/")
    hide_banner(tab)
    tab.evaluate(
        """([text, link]) => {
          document.querySelector(".bar").insertAdjacentHTML("afterend",
            `<aside class="banner"><p>${text} <a href="/demo">${link}</a></p></aside>`);
        }""",
        [messages.DEMO_BANNER, messages.DEMO_LINK],
    )
    expect(tab.locator(".intro")).to_be_visible()
    expect(tab.locator("#contact-form > .actions button")).to_be_in_viewport(ratio=1)


def test_receipt_of_a_contact_that_waits_moves_nothing_either(
    tab: Page, running: Simulator
) -> None:
    """One line in a neutral colour; the reason opens. A pause does not hide the button either."""
    tab.set_viewport_size({"width": 1366, "height": 650})
    tab.goto("/")
    button = "#contact-form > .actions button"
    hide_banner(tab)
    before = top(tab, button)
    running.mood = lambda _: "CreditNotEnough"
    tab.locator("#Mobile").fill("09121234567")
    tab.locator("#FName").fill("محمد رضا")
    tab.locator("#LName").fill("احمدی‌پور اصفهانی")
    submit(tab)
    receipt = tab.locator("[data-outcome=queued]")
    expect(receipt).to_have_class("message info received")
    hide_banner(tab)
    expect(tab.locator(button)).to_be_in_viewport(ratio=1)
    assert abs(top(tab, button) - before) <= 4
    reason = receipt.get_by_text("CreditNotEnough")
    expect(reason).to_be_hidden()
    receipt.locator("summary").click()
    expect(reason).to_be_visible()
    assert abs(top(tab, button) - before) <= 4
    until(tab, "/", "[data-pause]")
    hide_banner(tab)
    expect(tab.locator(button)).to_be_in_viewport(ratio=1)
    running.purge()


def hide_banner(tab: Page) -> None:
    """Take away the trouble that a test before may have left on the shared server."""
    tab.evaluate("document.querySelector('.banner')?.remove()")


@each("width", [360, 768, 1100, 1366, 1920])
def test_header_is_aligned_with_the_page(tab: Page, width: int) -> None:
    """Its name begins where the heading does."""
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto("/help")
    assert abs(right(tab, ".brand") - right(tab, "h1")) <= 1


@each(("width", "height"), [(320, 256), (683, 384), (1366, 650)])
def test_field_with_the_focus_is_not_covered_while_the_long_part_is_open(
    tab: Page, width: int, height: int
) -> None:
    """On a small phone, at 200 % on a laptop, and on a laptop, where the button stays in sight."""
    tab.set_viewport_size({"width": width, "height": height})
    tab.goto("/")
    tab.locator(MORE).click()
    covered = []
    tab.locator("#Mobile").focus()
    button = tab.get_by_role("button", name=messages.SUBMIT)
    while not button.evaluate("it => it === document.activeElement"):
        if not tab.evaluate(IS_CLEAR):
            covered.append(tab.evaluate("document.activeElement.id"))
        tab.keyboard.press("Tab")
    assert covered == []


def test_paper_is_white_in_dark_mode_too(browser: Browser, server: Server) -> None:
    """Black text, and the form's colour as on a light screen."""
    ink = "it => getComputedStyle(it).color"
    with browser.new_context(base_url=server.url, color_scheme="dark") as context:
        tab = context.new_page()
        tab.goto("/f/event")
        tab.emulate_media(media="print")
        assert tab.locator("html").evaluate(ink) == "rgb(0, 0, 0)"
        accent = "it => getComputedStyle(it).getPropertyValue('--accent')"
        assert tab.locator("html").evaluate(accent) == "#7a1f5c"
        tab.emulate_media(media="screen")
        assert tab.locator("html").evaluate(accent) != "#7a1f5c"


def test_poster_shows_all_of_a_long_name_and_title(tab: Page) -> None:
    """On its sheet, which is as narrow as a phone: nothing is cut off, nothing covers another."""
    tab.set_viewport_size({"width": 484, "height": 714})  # A5 within its margins
    tab.goto("/install/event/poster")
    tab.emulate_media(media="print")
    long = "سازمان توسعهٔ زیرساخت‌های فناوری اطلاعات استان آذربایجان شرقی"
    tab.locator(".poster h1").evaluate("(it, text) => { it.textContent = text; }", f"{long} {long}")
    tab.locator(".poster h1").evaluate(
        "(it, text) => it.insertAdjacentHTML('beforebegin', `<p class=brand>${text}</p>`)", long
    )
    brand, heading = tab.locator(".poster .brand"), tab.locator(".poster h1")
    assert brand.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert brand.evaluate("it => it.scrollHeight <= it.clientHeight")
    bottom = "it => it.getBoundingClientRect().bottom"
    assert brand.evaluate(bottom) <= top(tab, ".poster h1")
    assert heading.evaluate(bottom) <= top(tab, ".poster .qr")
    assert tab.locator(".poster footer").evaluate(bottom) <= 715, "189 mm"


def test_date_in_a_narrow_frame_with_large_text_is_one_column(tab: Page) -> None:
    """Of 260 px and twice the text size: every part stays within, and the month's names fit."""
    tab.set_viewport_size({"width": 260, "height": 700})
    tab.goto("/embed/signup")
    tab.evaluate("document.documentElement.style.fontSize = '200%'")
    inner = """each => each.clientWidth - parseFloat(getComputedStyle(each).paddingLeft)
        - parseFloat(getComputedStyle(each).paddingRight)"""
    assert tab.locator("#BornDate-month").evaluate(inner) > 60
    assert tab.locator("#BornDate-day").evaluate(inner) > 60
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_message_at_twice_the_text_size_leaves_its_text_most_of_a_phones_width(tab: Page) -> None:
    """Its sign shrinks, and its margins: no column of single words."""
    tab.set_viewport_size({"width": 360, "height": 640})
    tab.goto("/f/signup")
    tab.locator("button[type=submit]").click()
    heading = tab.locator(".failure h2")
    heading.wait_for()
    width = heading.evaluate("it => it.clientWidth")
    tab.evaluate("document.documentElement.style.fontSize = '200%'")
    assert heading.evaluate("it => it.clientWidth") >= 0.9 * width
    sign = "getComputedStyle(document.querySelector('.failure'), '::before').inlineSize"
    assert tab.evaluate(f"parseFloat({sign})") >= 28  # px, as before
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
