"""Visitors with codes, without script, and too many at once."""

import time
from collections.abc import Callable

from hosting import wait_until_kept
from playwright.sync_api import Page, expect
from walking import PHONE, Installation, open_entry, send

from webapp import messages
from webapp.messages import public

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
    wait_until_kept(visitor)
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
    beginning = 3600 - time.time() % 3600  # of an hour: at its end, the limit forgives
    installation.move_clock(beginning)
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
    installation.move_clock(beginning + 2 * 3600)
    send(visitor)
    expect(visitor.locator(DELIVERED)).to_be_visible()
    assert installation.received() == ["رضا", "سارا", "نیما"]


def test_form_that_closes_before_the_code_takes_who_came_in_time_and_loses_nobodys_text(
    own: Callable[..., Installation], person: Callable[..., Page]
) -> None:
    """Who was only typing reads why, and all that was typed; the number is still corrected."""
    installation = own()
    installation.start()
    early, late = (person(base_url=installation.url, viewport=PHONE) for _ in range(2))
    installation.move_clock(56 * 60)
    early.goto("/f/hour")
    send(early, FName="سارا", Mobile="09126660011")
    expect(early.locator("[data-outcome=code]")).to_contain_text("۰۹۱۲۶۶۶۰۰۱۱")
    late.goto("/f/hour")
    installation.move_clock(61 * 60)
    send(late, FName="رضا", Mobile="0912", AddressText="خیابان یکم\nپلاک ۲")
    expect(late.locator("[data-outcome=closed][data-reason=late]")).to_contain_text(
        public.NOT_RECORDED
    )
    for typed in ("رضا", "0912", "پلاک ۲"):
        expect(late.locator("main section")).to_contain_text(typed)
    late.goto("/f/hour")
    expect(late.locator("[data-outcome=closed]")).to_be_visible()
    expect(late.locator("form")).to_have_count(0)

    early.get_by_role("button", name=public.CHANGE).click()
    expect(early.locator("#FName")).to_have_value("سارا")
    send(early, Mobile="09126660012")
    expect(early.locator("[data-outcome=code]")).to_contain_text("۰۹۱۲۶۶۶۰۰۱۲")
    send(early, Code=installation.portal.codes[-1]["Code"])
    expect(early.locator(DELIVERED)).to_be_visible()
    assert installation.received() == ["سارا"]
    assert installation.attempts("09126660012") == 1


def test_place_that_waits_for_its_code_is_kept_while_others_read_that_the_form_is_full(
    own: Callable[..., Installation], person: Callable[..., Page]
) -> None:
    """In a frame of 260 px, too, all that was typed stays within; no place is given twice."""
    installation = own()
    installation.start()
    frame = f'<iframe src="{installation.url}/embed/small" width="260" height="900"></iframe>'
    script = f'<script src="{installation.url}/embed.js" async></script>'
    address = installation.website.publish("/small", f"<!doctype html>{frame}{script}")
    first, second = person(base_url=installation.url, viewport=PHONE), person(viewport=PHONE)
    second.goto(address)
    form = second.frame_locator("iframe")
    expect(form.locator("#Mobile")).to_be_visible()
    first.goto("/f/small")
    send(first, FName="سارا", Mobile="09126660013")
    expect(first.locator("[data-outcome=code]")).to_be_visible()
    email = f"{'long' * 12}@example.com"
    send(form, FName="رضا", Mobile="09126660014", Email=email)
    closed = form.locator("[data-outcome=closed][data-reason=full]")
    expect(closed).to_contain_text(public.NOT_RECORDED)
    expect(closed).to_be_in_viewport()
    expect(form.locator("main section")).to_contain_text(email)
    width = second.frames[1].evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, "nothing is wider than the frame"

    send(first, Code="1")
    expect(first.locator("#Code-error")).to_be_visible()
    send(first, Code=installation.portal.codes[-1]["Code"])
    expect(first.locator(DELIVERED)).to_be_visible()
    form.get_by_role("link", name=public.AGAIN).click()
    expect(form.locator("[data-outcome=closed][data-reason=full]")).not_to_contain_text(
        public.NOT_RECORDED
    )
    assert installation.received() == ["سارا"]
    assert len(installation.portal.codes) == 1
