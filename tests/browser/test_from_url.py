"""What the address of a host page adds to the contact of an embedded form; the poster on paper."""

import re

import pytest
from hosting import Site
from playwright.sync_api import Browser, Page, expect
from serving import Server
from states import MOBILE

from webapp.demo import Simulator

INTRO = ("خبرها و تخفیف‌ها را پیش از همه با پیامک دریافت کنید. " * 6)[:299]
FORMS = """
[forms.news]
title = "خبرنامه"
access = "public"
intro = "INTRO"
fields = ["FName", "Mobile"]
embed_origins = ["HOST"]
from_url = { utm_source = "CustomText5", utm_campaign = { spring = "بهار" } }

[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
embed_origins = ["HOST"]
from_url = { utm_source = "CustomText5" }
verify = "sms"
""".replace("INTRO", INTRO)
PX_PER_MM = 96 / 25.4
POINTS_PER_MM = 72 / 25.4


def host_page(
    server: Server, website: Site, query: str, *, slug: str = "news", framed: str = ""
) -> str:
    """Publish a page with the snippet, and return its address with a query."""
    body = (
        f'<!doctype html><title>x</title><iframe src="{server.url}/embed/{slug}{framed}"></iframe>'
        f'<script src="{server.url}/embed.js" async></script>'
    )
    return website.publish(f"/{query}", body)


def sign_up(tab: Page) -> None:
    """Sign up in the frame after an error; the page that comes back with it takes the keys anew."""
    form = tab.frame_locator("iframe")
    form.locator("#Mobile").fill("0912")
    form.locator("button[type=submit]").click()
    expect(form.locator("[data-outcome=invalid]")).to_be_visible()
    form.locator("#Mobile").fill(MOBILE)
    form.locator("button[type=submit]").click()
    expect(form.locator("[data-outcome=delivered]")).to_be_visible()


def received(simulator: Simulator) -> list[tuple[str, list[str]]]:
    """Return the custom text and the labels of what the portal has received."""
    return [(it["CustomText5"] or "", it["Labels"]) for it in simulator.contacts]


def test_listed_keys_of_the_host_page_reach_the_contact_without_a_request_more(
    tab: Page, server: Server, website: Site, simulator: Simulator
) -> None:
    """And no other key leaves the page."""
    requested: list[str] = []
    tab.on("request", lambda it: requested.append(it.url))
    query = "?utm_source=%D9%BE%D9%88%D8%B3%D8%AA%D8%B1%26%3Cb%3E&utm_campaign=spring&secret=123"
    tab.goto(host_page(server, website, query))
    form = tab.frame_locator("iframe").locator("form")
    expect(form).to_have_attribute("action", re.compile("utm_campaign=spring"))
    assert sum("/embed/news" in url for url in requested) == 1
    sign_up(tab)
    assert received(simulator) == [("پوستر&<b>", ["بهار"])]
    assert not [url for url in requested if "123" in url and url.startswith(server.url)]


def test_address_of_the_frame_goes_before_that_of_the_page(
    tab: Page, server: Server, website: Site, simulator: Simulator
) -> None:
    """A value that is too long for an address is left out."""
    query = "?utm_source=page&utm_campaign=" + "x" * 5000
    tab.goto(host_page(server, website, query, framed="?utm_source=frame"))
    sign_up(tab)
    assert received(simulator) == [("frame", [])]


def test_address_of_the_frame_works_without_script(
    browser: Browser, server: Server, website: Site, simulator: Simulator
) -> None:
    """That of the page around needs the script."""
    with browser.new_context(java_script_enabled=False) as context:
        tab = context.new_page()
        framed = "?utm_source=frame&amp;utm_campaign=spring"
        tab.goto(host_page(server, website, "?utm_source=page", framed=framed))
        sign_up(tab)
    assert received(simulator) == [("frame", ["بهار"])]


def test_number_is_corrected_in_a_frame_that_takes_keys(
    tab: Page, server: Server, website: Site, simulator: Simulator
) -> None:
    """The form on the step's page goes to its own address, not to that of the step."""
    tab.goto(host_page(server, website, "?utm_source=page", slug="club"))
    frame = tab.frame_locator("iframe")
    form = frame.locator("#contact-form")
    expect(form).to_have_attribute("action", re.compile("utm_source=page"))
    for number in (MOBILE, "09129999999"):
        form.locator("#Mobile").fill(number)
        form.locator("button[type=submit]").click()
        expect(frame.locator("[data-outcome=code]")).to_contain_text(
            "۴۵۶۷" if number == MOBILE else "۹۹۹۹"
        )
        if number == MOBILE:
            frame.locator("button[name=change]").click()
            expect(form).to_have_attribute("action", re.compile(r"/embed/club\?utm_source=page$"))
    frame.locator("#Code").fill(simulator.codes[-1]["Code"])
    frame.locator("button:not([name])").click()
    expect(frame.locator("[data-outcome=delivered]")).to_be_visible()
    assert received(simulator) == [("page", [])]


def test_poster_is_one_page_of_a5(tab: Page) -> None:
    """With the longest introduction that a form may have."""
    tab.goto("/install/news/poster?utm_source=poster")
    pdf = tab.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    box = re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert box
    size = [float(number) / POINTS_PER_MM for number in box.groups()]
    assert size == [pytest.approx(148, abs=1), pytest.approx(210, abs=1)]


def test_poster_fits_its_paper_with_the_longest_title_and_a_code_that_phones_read(
    tab: Page,
) -> None:
    """Within the margins of A5, as a printer has them; its code is 3.5 cm wide at least."""
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": round(128 * PX_PER_MM), "height": round(190 * PX_PER_MM)})
    tab.goto("/install/news/poster?utm_source=poster")
    tab.locator(".poster h1 bdi").evaluate("it => { it.textContent = 'همایش '.repeat(16); }")
    code, address = (tab.locator(f".poster {it}").bounding_box() for it in (".qr", ".address"))
    assert code
    assert address
    assert code["width"] >= 35 * PX_PER_MM
    assert code["width"] == pytest.approx(code["height"], abs=1)
    assert address["y"] + address["height"] <= 190 * PX_PER_MM
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
