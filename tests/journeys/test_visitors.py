"""Visitors with codes, without script, and too many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect
from walking import PHONE, open_entry, send

from webapp import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page
    from walking import Installation

DELIVERED, QUEUED = "[data-outcome=delivered]", "[data-outcome=queued]"


def test_visitor_on_a_phone_reloads_mistypes_and_pastes_the_whole_message_with_the_code(
    shared: Installation, person: Callable[..., Page]
) -> None:
    """In a frame: a reload uses up no try, and neither Back nor Forward sends anything again."""
    frame = f'<iframe src="{shared.url}/embed/club" width="100%" height="640"></iframe>'
    script = f'<script src="{shared.url}/embed.js" async></script>'
    address = shared.website.publish("/club", f"<!doctype html><p>متن{frame}{script}")
    visitor = person(viewport=PHONE, has_touch=True)
    visitor.goto(address)
    form = visitor.frame_locator("iframe")
    typed = {"FName": "سارا", "Mobile": "09126660001"}
    send(form, **typed)
    expect(form.locator("[data-outcome=code]")).to_contain_text("۰۹۱۲۶۶۶۰۰۰۱")
    expect(form.locator("#Code")).to_be_focused()
    visitor.reload()
    expect(form.locator("[data-outcome=code]")).to_contain_text("۰۹۱۲۶۶۶۰۰۰۱")
    codes = shared.portal.codes
    wrong = f"{(int(codes[-1]['Code']) + 1) % 100000:05}"
    send(form, Code=wrong)
    expect(form.locator("#Code-error")).to_be_visible()
    tries = form.locator("[name=try]").input_value()
    for _ in range(5):
        with visitor.expect_event("framenavigated"):
            visitor.frames[1].evaluate("setTimeout(() => location.reload())")
        expect(form.locator("[data-outcome=code]")).to_be_visible()
    assert form.locator("[name=try]").input_value() == tries
    assert shared.portal.codes == codes
    width = visitor.frames[1].evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, "nothing is wider than the phone"

    send(form, Code=f"باشگاه مشتریان\nکد تأیید شما: {codes[-1]['Code']}\nلغو۱۱")
    receipt = form.locator(DELIVERED)
    expect(receipt).to_be_in_viewport()
    reference = receipt.get_attribute("data-reference") or ""
    for step in ("back", "forward"):
        with visitor.expect_event("framenavigated"):
            visitor.evaluate(f"history.{step}()")
        expect(form.locator(f"[data-reference='{reference}']")).to_be_visible()
    assert shared.received() == ["سارا"]
    assert shared.attempts("09126660001") == 1
    assert shared.portal.codes == codes


def test_visitor_without_script_and_cookies_goes_back_corrects_and_reloads_the_receipt(
    shared: Installation, person: Callable[..., Page]
) -> None:
    """No proof of work came with it, so an operator looks at it, and sends it once."""
    cookies: list[str | None] = []
    visitor = person(base_url=shared.url, java_script_enabled=False)
    visitor.on("response", lambda answer: cookies.append(answer.headers.get("set-cookie")))
    visitor.goto("/f/news")
    send(visitor, FName="سارا", Mobile="0912")
    expect(visitor.locator("#Mobile-error")).to_be_visible()
    visitor.go_back()
    expect(visitor.locator("#Mobile-error")).to_be_hidden()
    visitor.go_forward()
    expect(visitor.locator("#Mobile-error")).to_be_visible()
    expect(visitor.locator("#FName")).to_have_value("سارا")
    send(visitor, Mobile="09126660002")
    receipt = visitor.locator(QUEUED)
    expect(receipt).to_be_visible()
    reference = receipt.get_attribute("data-reference") or ""
    visitor.reload()
    expect(visitor.locator(f"{QUEUED}[data-reference='{reference}']")).to_be_visible()
    assert set(cookies) == {None}
    assert shared.received() == []

    desk = person(base_url=shared.url)
    desk.goto("/outbox?suspects=1")
    card = open_entry(desk, reference)
    expect(card).to_contain_text(messages.SUSPECT_STATUSES["proof"])
    card.get_by_role("button", name=messages.RETRY_ONE).click()
    expect(desk.locator("[data-outcome=retried]")).to_be_visible()
    shared.wait_until_delivered()
    assert shared.received() == ["سارا"]
    visitor.reload()
    expect(receipt).to_be_visible()
    assert shared.attempts("09126660002") == 1


def test_visitor_who_sends_too_often_keeps_what_was_typed_and_is_accepted_after_the_limit(
    own: Callable[..., Installation], person: Callable[..., Page]
) -> None:
    """Back, Forward and a reload of the refusal show the form, never the browser's error page."""
    installation = own(LIMIT_MOBILE="2/hour")
    installation.start()
    visitor = person(base_url=installation.url)
    typed = {"Mobile": "09126660003"}
    for name in ("سارا", "نیما"):
        visitor.goto("/f/busy")
        send(visitor, FName=name, **typed)
        expect(visitor.locator(DELIVERED)).to_be_visible()
    visitor.goto("/f/busy")
    send(visitor, FName="رضا", **typed)
    expect(visitor.get_by_role("alert")).to_contain_text(messages.TOO_MANY.partition("{n}")[0])
    expect(visitor.locator("#FName")).to_have_value("رضا")
    visitor.go_back()
    visitor.go_forward()
    expect(visitor.locator("#FName")).to_have_value("رضا")
    visitor.reload()
    expect(visitor.locator("#FName")).to_have_value("رضا")
    expect(visitor.locator("#Mobile")).to_have_value("09126660003")
    send(visitor)
    expect(visitor.get_by_role("alert")).to_contain_text(messages.TOO_MANY.partition("{n}")[0])
    assert installation.received() == ["سارا", "نیما"]
    installation.move_clock(2 * 3600)
    send(visitor)
    expect(visitor.locator(DELIVERED)).to_be_visible()
    assert installation.received() == ["رضا", "سارا", "نیما"]
