"""What phones do to a half-filled form: lose the network, reload it, and fill it in themselves."""

from hosting import Site
from playwright.sync_api import FrameLocator, Page, expect
from serving import Server

from webapp import messages
from webapp.demo import Simulator

FORMS = """
[forms.public]
title = "خبرنامه"
access = "public"
fields = ["FName", "Mobile", "BornDate", "GenderType"]
consent = "موافقم."
embed_origins = ["HOST"]
proof_of_work = true

[forms.verified]
title = "باشگاه"
access = "public"
fields = ["Mobile"]
verify = "sms"

[forms.desk]
title = "ثبت"
access = "intranet"
fields = ["FName", "Mobile"]
"""

HAS_STORAGE = "() => { try { return !!sessionStorage } catch { return false } }"


def fill(form: Page | FrameLocator, mobile: str) -> None:
    """Fill in the form, with every kind of input."""
    form.locator("#FName").fill("سارا")
    form.locator("#Mobile").fill(mobile)
    form.locator("#BornDate-day").fill("۱۵")
    form.locator("#BornDate-month").select_option("مهر")
    form.locator("#consent").check()
    form.get_by_label("خانم").check()


def expect_filled(form: Page | FrameLocator, mobile: str) -> None:
    """Find all of it."""
    expect(form.locator("#FName")).to_have_value("سارا")
    expect(form.locator("#Mobile")).to_have_value(mobile)
    expect(form.locator("#BornDate-day")).to_have_value("۱۵")
    expect(form.locator("#BornDate-month")).to_have_value("مهر")
    expect(form.locator("#consent")).to_be_checked()
    expect(form.get_by_label("خانم")).to_be_checked()


def expect_kept(form: FrameLocator, mobile: str) -> None:
    """Find all of it in a frame; nothing where a browser gives frames of other sites no storage."""
    if form.locator("body").evaluate(HAS_STORAGE):
        expect_filled(form, mobile)
    else:
        expect(form.locator("#Mobile")).to_have_value("")
        expect(form.locator("#FName")).to_be_editable()


def send(form: Page | FrameLocator) -> None:
    """Press the form's button."""
    form.locator("button[type=submit]").click()


def test_half_filled_form_survives_reloads_and_a_lost_network_until_it_is_sent(
    tab: Page, running: Simulator
) -> None:
    """Then the tab forgets it; the step that asks for a code says as well that it is offline."""
    tab.goto("/f/public")
    fill(tab, "09121120001")
    tab.reload()
    expect_filled(tab, "09121120001")
    tab.context.set_offline(True)
    send(tab)
    expect(tab.get_by_role("alert")).to_have_text(messages.OFFLINE)
    expect_filled(tab, "09121120001")
    tab.context.set_offline(False)
    expect(tab.get_by_role("alert")).to_have_count(0)
    tab.locator("#BornDate-year").fill("۱۳۶۹")
    send(tab)
    expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
    assert tab.evaluate("sessionStorage.length") == 0
    tab.goto("/f/verified")
    tab.locator("#Mobile").fill("09121120002")
    send(tab)
    tab.locator("#Code").fill("۱۲۳")
    tab.context.set_offline(True)
    send(tab)
    expect(tab.get_by_role("alert")).to_have_text(messages.OFFLINE)
    expect(tab.locator("#Code")).to_have_value("۱۲۳")
    assert [it["Mobile"] for it in running.contacts].count(989121120001) == 1


def test_form_that_came_back_with_an_error_keeps_through_a_reload_what_was_mended(
    tab: Page,
) -> None:
    """A reload sends the former form again; an unchecked box stays unchecked."""
    tab.on("dialog", lambda asked: asked.accept())
    tab.goto("/f/public")
    fill(tab, "0912")
    send(tab)
    expect(tab.locator("#Mobile-error")).to_be_visible()
    tab.locator("#Mobile").fill("09121120006")
    tab.locator("#consent").uncheck()
    tab.reload()
    expect(tab.locator("#Mobile")).to_have_value("09121120006")
    expect(tab.locator("#FName")).to_have_value("سارا")
    expect(tab.locator("#consent")).not_to_be_checked()


def test_half_filled_form_in_a_frame_survives_a_reload_of_the_page_around(
    tab: Page, server: Server, website: Site
) -> None:
    """In the storage of our own origin, without a cookie."""
    tab.goto(
        website.publish(
            "/draft",
            f'<!doctype html><title>x</title><iframe src="{server.url}/embed/public"></iframe>',
        )
    )
    form = tab.frame_locator("iframe")
    fill(form, "09121120003")
    tab.reload()
    expect_kept(form, "09121120003")
    assert tab.context.cookies() == []


def test_form_in_a_frame_whose_submission_is_lost_on_the_way_comes_back_with_the_page_around(
    tab: Page, server: Server, website: Site
) -> None:
    """The browser's error page leaves no way back; once it has arrived, the tab forgets it."""
    frame = f'<!doctype html><title>x</title><iframe src="{server.url}/embed/public"></iframe>'
    tab.goto(website.publish("/lost", frame))
    form = tab.frame_locator("iframe")
    fill(form, "09121120005")
    tab.route(
        "**/embed/public",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    with tab.expect_event("requestfailed", lambda request: request.method == "POST"):
        send(form)
    tab.unroute("**/embed/public")
    tab.reload()
    expect_kept(form, "09121120005")
    fill(form, "09121120005")
    form.locator("#BornDate-year").fill("۱۳۶۹")
    send(form)
    expect(form.locator("[data-outcome=delivered]")).to_be_visible()
    tab.reload()
    expect(form.locator("#Mobile")).to_have_value("")


def test_operators_form_keeps_nothing_in_the_tab(tab: Page) -> None:
    """What it holds is other people's data, on a computer that others use, too."""
    tab.goto("/f/desk")
    tab.locator("#FName").fill("سارا")
    assert tab.evaluate("sessionStorage.length") == 0


def test_form_that_is_sent_at_once_waits_until_a_person_could_have_filled_it_in(tab: Page) -> None:
    """A second press meanwhile changes nothing; the server would have refused it.

    The page's clock may say a little less than its timer has waited.
    """
    tab.clock.install()
    tab.route(
        "**/f/public",
        lambda route: (
            route.fulfill(
                response=(answer := route.fetch()),
                body=answer.text().replace("<form ", '<form data-min-age="60000" ', 1),
            )
            if route.request.method == "GET"
            else route.continue_()
        ),
    )
    tab.goto("/f/public")
    fill(tab, "09121120004")
    tab.locator("#BornDate-year").fill("۱۳۶۹")
    tab.evaluate("performance.now = () => 0")
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(request.method))
    send(tab)
    send(tab)
    expect(tab.locator("#FName")).to_have_value("سارا")
    assert "POST" not in sent
    tab.clock.run_for(61_000)
    expect(tab.locator("[data-outcome=delivered]")).to_be_visible()
    assert sent.count("POST") == 1
