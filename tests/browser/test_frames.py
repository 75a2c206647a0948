"""What websites do with a frame, and what browsers do for a code."""

import re
import zlib
from typing import Literal

import pytest
from hosting import Site
from playwright.sync_api import Browser, Page, expect
from serving import Server

from webapp.demo import Simulator
from webapp.forms.toml_values import contrast

FORMS = """
[forms.bare]
title = "خبرنامه"
intro = "هر هفته خبرها را با پیامک می‌فرستیم."
access = "public"
fields = ["FName", "Mobile", "BornDate"]
consent = "موافقم."
consent_field = "CustomText6"
embed_origins = ["HOST"]
heading = false
background = "transparent"

[forms.verified]
title = "خبرنامه"
access = "public"
fields = ["Mobile"]
embed_origins = ["HOST"]
verify = "sms"
"""


def test_frame_without_heading_takes_the_height_that_install_proposes_and_learns_its_site(
    tab: Page, website: Site, running: Simulator
) -> None:
    """On a website that sends no referrer; its background shows through."""
    tab.goto("/install/bare")
    expect(tab.locator("[data-finding=frame]")).to_have_class("fine")
    snippet = tab.locator("#snippet")
    tab.wait_for_function("snippet.value !== snippet.defaultValue")
    first, _ = snippet.input_value().splitlines()
    head = '<meta name="referrer" content="no-referrer"><style>body { background: #fed; }</style>'
    tab.set_viewport_size({"width": 336, "height": 640})  # with its margins, 320
    tab.goto(website.publish("/bare", f"<!doctype html><title>x</title>{head}{first}"))
    form = tab.frame_locator("iframe")
    expect(form.locator("#FName")).to_be_visible()
    assert tab.frames[1].evaluate("document.documentElement.scrollHeight - innerHeight") == 0
    expect(form.locator("h1")).to_have_css("position", "absolute")
    for part in ("html", "main"):
        expect(form.locator(part)).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    form.locator("#FName").fill("سارا")
    form.locator("#Mobile").fill("09121110001")
    form.locator("#consent").check()
    form.locator("button[type=submit]").click()
    expect(form.locator("[data-outcome=delivered]")).to_be_visible()
    (stored,) = (it for it in running.contacts if it["Mobile"] == 989121110001)
    assert website.origin in stored["CustomText6"]


# A page's declaration, and whether a visitor who prefers dark sees the frame's text light on dark.
SCHEMES = {
    "": False,
    ":root { color-scheme: light; }": False,
    ":root { color-scheme: light dark; }": True,
    ":root { color-scheme: dark; }": True,
}


@pytest.mark.parametrize("prefers", ["light", "dark"])
def test_transparent_frame_is_legible_on_whatever_its_page_declares_by_color_scheme(
    tab: Page, server: Server, website: Site, prefers: Literal["light", "dark"]
) -> None:
    """By the colours of its pixels; where the schemes differ, the browser paints a ground."""
    tab.emulate_media(color_scheme=prefers)
    frame = f'<iframe src="{server.url}/embed/bare" style="block-size: 40rem"></iframe>'
    script = f'<script src="{server.url}/embed.js"></script>'
    for number, (declared, is_dark) in enumerate(SCHEMES.items()):
        page = f"<!doctype html><title>x</title><style>{declared}</style>{frame}{script}"
        tab.goto(website.publish(f"/{prefers}-{number}", page))
        form = tab.frame_locator("iframe")
        root, is_dark_here = form.locator("html"), is_dark and prefers == "dark"
        if is_dark_here:  # once the page has said so
            expect(root).not_to_have_class(re.compile(r"\blight\b"))
        expect(form.locator("#FName")).to_be_visible()
        box = tab.locator("iframe").bounding_box()
        assert box
        ground = pixel(tab, box["x"] + 5, box["y"] + box["height"] - 5)
        ink = root.evaluate("it => getComputedStyle(it).color")
        inked = "#" + bytes(map(int, re.findall(r"\d+", ink))).hex()
        assert contrast(ground, inked) > 7, declared
        assert (ground < "#808080") is is_dark_here, declared
        if is_dark_here:
            assert ground == pixel(tab, 1, 1), "the page shows through"


def pixel(tab: Page, x: float, y: float) -> str:
    """Return the colour of a pixel: of a picture of one, nothing is filtered."""
    picture = tab.screenshot(clip={"x": x, "y": y, "width": 1, "height": 1})
    data, place = b"", 8
    while place < len(picture):
        size, kind = int.from_bytes(picture[place : place + 4]), picture[place + 4 : place + 8]
        data += picture[place + 8 : place + 8 + size] if kind == b"IDAT" else b""
        place += size + 12
    return "#" + zlib.decompress(data)[1:4].hex()


def test_sandbox_that_loads_nothing_of_ours_says_what_is_missing(
    tab: Page, server: Server, website: Site
) -> None:
    """In place of a form without styles, with the bait visible."""
    frame = f'<iframe sandbox="allow-forms allow-scripts" src="{server.url}/embed/bare"></iframe>'
    tab.goto(website.publish("/sandbox", f"<!doctype html><title>x</title>{frame}"))
    form = tab.frame_locator("iframe")
    expect(form.get_by_text("allow-same-origin")).to_be_visible()
    expect(form.locator("a")).to_have_attribute("href", "/f/bare")
    expect(form.locator("#FName")).to_be_hidden()
    tab.goto(website.publish("/sandbox", tab.content().replace("sandbox=", "data-none=")))
    expect(form.get_by_text("allow-same-origin")).to_be_hidden()
    expect(form.locator("#FName")).to_be_visible()


def ask_code(tab: Page, mobile: str) -> None:
    """Be asked for a code."""
    tab.goto("/f/verified")
    tab.locator("#Mobile").fill(mobile)
    tab.locator("button[type=submit]").click()
    expect(tab.locator("[data-outcome=code]")).to_be_visible()


def test_button_that_sends_another_code_is_disabled_until_it_can_be_sent(tab: Page) -> None:
    """And counts down; without script the server says how long to wait."""
    tab.clock.install()
    ask_code(tab, "09121110002")
    resend = tab.locator("[name=resend]")
    expect(resend).to_be_disabled()
    tab.clock.run_for(5000)
    expect(resend).to_be_disabled()
    assert 0 < int(tab.locator("[data-seconds]").inner_text()) < 60
    tab.clock.run_for(60000)
    expect(resend).to_be_enabled()


def test_browser_that_reads_the_message_fills_in_the_code_and_sends_it(
    browser: Browser, server: Server, running: Simulator
) -> None:
    """As Chrome on Android does (WebOTP), here with the browser's own part in its place."""
    with browser.new_context(base_url=server.url) as context:
        tab = context.new_page()
        tab.expose_function("sentCode", lambda: running.codes[-1]["Code"])
        tab.add_init_script(
            "window.OTPCredential = class {};"
            "CredentialsContainer.prototype.get = async ({ otp }) =>"
            " ({ code: otp.transport[0] === 'sms' ? await sentCode() : '' });"
        )
        tab.goto("/f/verified")
        tab.locator("#Mobile").fill("09121110003")
        tab.locator("button[type=submit]").click()
        expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
