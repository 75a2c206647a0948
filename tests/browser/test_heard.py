"""What a screen reader gets: names, roles and states of the accessibility tree, and the focus."""

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect
from serving import Server
from states import MOBILE, bring, outbox_correct, store_contact, submit
from support import wait_until

from webapp import messages
from webapp.demo import Simulator
from webapp.messages import desk, imports

PHONE = {"width": 360, "height": 740}


def nodes(tab: Page, role: str) -> list[dict[str, Any]]:
    """Return name, description and whether it is invalid of each node of a role."""
    tree = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")["nodes"]
    return [
        {
            "name": node["name"]["value"],
            "description": node.get("description", {}).get("value", ""),
            "invalid": {it["name"]: it["value"].get("value") for it in node["properties"]}.get(
                "invalid"
            ),
        }
        for node in tree
        if not node["ignored"] and node["role"]["value"] == role
    ]


def test_operators_form_is_heard_from_the_keys_to_the_receipt(
    browser: Browser, server: Server, simulator: Simulator
) -> None:
    """The popover is a dialog that takes the focus; the receipt is heard at the field."""
    simulator.purge()
    with browser.new_context(base_url=server.url, viewport=PHONE, locale="fa-IR") as context:  # type: ignore[arg-type]
        tab = context.new_page()
        tab.goto("/")
        tab.get_by_role("button", name=desk.KEYS).click()
        dialog = tab.get_by_role("dialog", name=desk.KEYS)
        expect(dialog.get_by_role("button", name=desk.CLOSE)).to_be_focused()
        tab.get_by_label(desk.KEYS_SWITCH).focus()
        tab.locator("#FName").focus()
        expect(dialog).to_be_hidden()
        tab.locator("#LName").fill("رضایی")
        tab.locator("#FName").fill("Ali")
        tab.locator("[name=GenderType]").first.focus()
        tab.keyboard.press("?")
        expect(dialog).to_be_hidden()
        tab.locator("#Mobile").fill(MOBILE)
        said = tab.locator("button[type=submit]").evaluate(
            "it => { it.click(); return it.nextElementSibling.outerHTML }"
        )
        assert said == f'<span class="bait" role="status">{messages.SENDING}</span>'
        expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
        expect(tab.locator("#Mobile")).to_be_focused()
        (field,) = (it for it in nodes(tab, "textbox") if it["name"] == "شمارهٔ همراه")
        assert f"۰۹۱۲•••۴۵۶۷ {desk.RECORDED}" in field["description"]
        assert "مانند ۰۹۱۲۱۲۳۴۵۶۷" in field["description"]
        expect(tab.locator(".recent table")).to_match_aria_snapshot(f"""
          - table:
            - rowgroup:
              - row:
                - columnheader "{desk.RECENT_TIME}"
                - columnheader "{desk.RECENT_WHO}"
                - columnheader "{desk.RECENT_STATE}"
            - rowgroup:
              - row:
                - cell
                - rowheader "Ali رضایی ۰۹۱۲•••۴۵۶۷"
        """)
        first, last = (
            tab.locator(".recent tbody bdi").nth(place).bounding_box() for place in (0, 1)
        )
        assert first
        assert last
        assert (first["y"], -first["x"]) < (last["y"], -last["x"])  # the first name is to the right


def test_consent_is_no_error_before_it_is_missing_and_errors_name_their_field(tab: Page) -> None:
    """As a visitor hears them: in the summary, and at the field."""
    tab.goto("/f/event")
    (consent,) = (it for it in nodes(tab, "checkbox") if it["name"].startswith("با دریافت"))
    assert consent["invalid"] == "false"
    tab.locator("#Mobile").fill(MOBILE)
    tab.locator("#BornDate-day").fill("۳۱")
    tab.locator("#BornDate-month").select_option(label="مهر")
    tab.locator("#BornDate-year").fill("۱۳۶۹")
    tab.locator("button[type=submit]").click()
    summary = tab.get_by_role("alert")
    expect(summary).to_be_focused()
    error = "مهر ۱۳۶۹ روز ۳۱ ندارد."
    expect(summary.get_by_role("link", name=f"\u2068تاریخ تولد\u2069: {error}")).to_be_visible()
    (consent,) = (it for it in nodes(tab, "checkbox") if it["name"].startswith("با دریافت"))
    assert (consent["invalid"], consent["description"]) == (
        "true",
        f"خطا:\xa0{messages.CONSENT_REQUIRED}",
    )
    (day,) = (it for it in nodes(tab, "textbox") if it["name"] == messages.DAY)
    assert day == {"name": messages.DAY, "description": f"خطا:\xa0{error}", "invalid": "true"}
    tab.emulate_media(forced_colors="active")
    sign = "getComputedStyle(document.querySelector('.error'), '::before').content"
    assert "×" in tab.evaluate(sign)


def test_outbox_begins_at_what_happened_and_why(tab: Page, simulator: Simulator) -> None:
    """A correction at its reason, the list at the result; cards are persons, not references."""
    outbox_correct(tab, simulator)
    expect(tab.get_by_role("group", name=messages.REASON)).to_be_focused()
    simulator.mood = None
    tab.goto("/outbox")
    expect(tab.locator("nav [aria-current=page]")).to_have_css("border-bottom-width", "3px")
    row = tab.locator("[data-reference]", has_text="۰۹۱۲").first
    expect(row.get_by_role("checkbox")).to_have_accessible_name(re.compile("۰۹۱۲۱۲۳۴۵۶۷"))
    row.locator("summary").click()
    card = row.get_by_role("article", name="۰۹۱۲")
    button = card.get_by_role("button", name=messages.RETRY_ONE)
    expect(button).to_have_accessible_description(str(card.get_by_role("heading").text_content()))
    with tab.expect_navigation():
        button.click()
    expect(tab.locator("[data-outcome=retried]")).to_be_focused()
    expect(tab).to_have_title(f"{messages.OUTBOX_RESULTS['retried']} {messages.OUTBOX_LINK}")
    wait_until(lambda: bool(simulator.contacts))  # not during the next test


def test_cancelled_question_returns_to_the_filled_form(tab: Page, simulator: Simulator) -> None:
    """Without a warning, for nothing is lost."""
    store_contact(simulator)
    warnings: list[str] = []
    tab.on("dialog", lambda dialog: (warnings.append(dialog.type), dialog.accept()))
    tab.goto("/f/asking")
    tab.locator("#FName").fill("رضا")
    tab.locator("#Mobile").fill(MOBILE)
    submit(tab)
    with tab.expect_navigation():
        tab.get_by_role("button", name=messages.CANCEL).click()
    expect(tab.locator("#FName")).to_have_value("رضا")
    expect(tab.locator("#Mobile")).to_be_focused()
    assert not warnings


def test_login_page_of_a_proxy_is_not_inserted(tab: Page) -> None:
    """Nor does a broken connection end the script."""
    answers = iter(("login", "abort"))

    def answer(route: Any) -> None:
        if next(answers) == "login":
            route.fulfill(status=200, content_type="text/html", body="<h1>Login</h1>")
        else:
            route.abort()

    tab.route("**/duplicates", answer)
    tab.goto("/f/asking")
    for mobile in (MOBILE, "09129990000"):
        with tab.expect_event(
            "requestfinished" if mobile == MOBILE else "requestfailed",
            lambda request: request.url.endswith("/duplicates"),
        ):
            tab.locator("#Mobile").fill(mobile)
            tab.keyboard.press("Tab")
    tab.evaluate("new Promise(setTimeout)")
    expect(tab.locator("[data-duplicates]")).to_be_empty()


def test_import_is_renewed_in_place_until_it_is_gone(tab: Page) -> None:
    """Numbers change below the focus; a quarter is said once; then nothing is asked for."""
    tab.clock.install()
    bring(tab, f"Mobile\n{MOBILE}\n".encode())
    address = tab.url
    served = {"status": 200, "settled": 10}

    def answer(route: Any) -> None:
        settled = served["settled"]
        state = "data-renews=running data-state=running" if settled < 100 else "data-state=done"
        title = "پایان" if settled == 100 else "در حال ارسال"
        rest = "<form><button>توقف</button></form>" if settled < 100 else "<p>گزارش</p>"
        html = f"""<!doctype html><html lang=fa dir=rtl><title>{title}</title>
          <script type=module src=/static/import.js></script>
          <main id=main><h1 tabindex=-1>ورود</h1>
          <div id=progress {state} data-quarter={settled // 25} data-said='گفته شد'
          data-stopped='{imports.RENEWAL_STOPPED}'>
          <progress max=100 value={settled}></progress><p><b>{settled}</b> از ۱۰۰</p></div>
          {rest}</main>"""
        route.fulfill(status=served["status"], content_type="text/html; charset=utf-8", body=html)

    tab.route(address, answer)
    tab.goto(address)
    button = tab.get_by_role("button")
    button.focus()
    number, status = tab.locator("b"), tab.locator("p[role=status]")
    number.evaluate("it => { it.isMine = true }")
    served["settled"] = 20
    tab.clock.run_for(2000)
    expect(number).to_have_text("20")
    expect(status).to_be_empty()
    served["settled"] = 30
    tab.clock.run_for(2000)
    expect(status).to_have_text("گفته شد")
    expect(button).to_be_focused()
    assert number.evaluate("it => it.isMine")
    served["status"] = 404
    tab.route(address, lambda route: route.fulfill(status=404, body="<h1>404</h1>"))
    tab.clock.run_for(2000)
    expect(status).to_have_text(imports.RENEWAL_STOPPED)
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.clock.run_for(120_000)
    assert asked == []
    tab.unroute(address)
    tab.route(address, answer)
    served |= {"status": 200, "settled": 90}
    tab.goto(address)
    tab.get_by_role("button").focus()
    served["settled"] = 100
    tab.clock.run_for(2000)
    expect(tab.get_by_role("heading", level=1)).to_be_focused()
    expect(status).to_have_text("پایان")
    expect(tab).to_have_title("پایان")
