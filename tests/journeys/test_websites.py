"""From the operators' page about a form to a stranger's receipt in the page of another site."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from walking import PHONE, Installation, send, until_page

from webapp import messages
from webapp.messages import statistics

LISTEN = """<script>
const heard = [];
for (const name of ["invalid", "submitted"]) {
  document.addEventListener(`amoot-form:${name}`, ({ detail }) => heard.push([name, detail]));
}
</script>"""
LONG = "<p style='height: 2000px'>متن</p>"


def test_webmaster_copies_the_snippet_and_a_stranger_signs_up_in_the_page_of_another_site(
    shared: Installation, person: Callable[..., Page]
) -> None:
    """The stranger sees nothing of the operators'; the statistics count one page, one contact."""
    webmaster = person(base_url=shared.url, permissions=["clipboard-read", "clipboard-write"])
    webmaster.goto("/install/event")
    preview = webmaster.frame_locator("iframe.preview")
    expect(preview.locator("#Mobile")).to_be_visible()
    webmaster.get_by_role("button", name=messages.INSTALL_COPY).first.click()
    expect(webmaster.get_by_text(messages.INSTALL_COPIED)).to_be_visible()
    snippet = webmaster.evaluate("navigator.clipboard.readText()")
    page = f"<!doctype html>{LISTEN}{LONG}{snippet}{LONG}"
    address = shared.website.publish("/?utm_source=poster", page)

    stranger = person(viewport=PHONE)
    stranger.goto(address)
    form = stranger.frame_locator("iframe")
    expect(form.locator("#Mobile")).to_be_visible()
    assert form.locator("nav, [data-pause], [data-codes], .recent, .install").count() == 0
    links = form.locator("main a[href]").evaluate_all("all => all.map(each => each.href)")
    assert not [link for link in links if "/embed/" not in link]
    send(form, FName="سارا", Mobile="0912")
    error = form.locator("[role=alert] a")
    expect(error).to_be_in_viewport()
    error.click()
    expect(form.locator("#Mobile")).to_be_focused()
    send(form, Mobile="09121110001")
    receipt = form.locator("[data-outcome=delivered]")
    expect(receipt).to_be_in_viewport()
    reference = receipt.get_attribute("data-reference")
    stranger.wait_for_function("heard.length === 2")
    assert stranger.evaluate("heard") == [
        ["invalid", {"form": "event", "reference": "", "result": "invalid"}],
        ["submitted", {"form": "event", "reference": reference, "result": "delivered"}],
    ]
    assert stranger.context.cookies() == []
    assert shared.received() == ["سارا"]

    source = "table:has(#source) tr:has-text('poster'):has-text('۱')"
    until_page(webmaster, "/statistics", source, "the statistics have the stranger's source")
    webmaster.locator("summary", has_text=statistics.FUNNEL).click()
    row = webmaster.locator("table:has(#funnel) tr", has_text="ثبت‌نام در همایش")
    counts = [cell.split(" ")[0] for cell in row.locator("td").all_inner_texts()]
    assert (counts[:2], counts[-1]) == (["۱", "۱"], "۱"), "one shown, one sent, one delivered"
