"""The sign-up forms inside other sites' pages, in a browser that blocks third-party cookies."""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from firefox import Firefox
from hosting import Site, hosting, wait_until_kept
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Frame,
    FrameLocator,
    Page,
    Response,
    Route,
    expect,
)
from serving import Server
from states import MOBILE
from tables import each
from webkit import WebKit

from webapp import messages
from webapp.demo import Simulator

STATIC = Path(__file__).parent.parent.parent / "static"

FORMS = """
[forms.signup]
title = "عضویت در خبرنامه"
access = "public"
intro = "برای دریافت خبرها و پیشنهادهای ما با پیامک، مشخصات خود را وارد کنید."
fields = ["FName", "LName", "Mobile", "BornDate"]
labels = ["سایت"]
consent = "با دریافت پیامک موافقم."
embed_origins = ["HOST", "https://example.ir"]

[forms.news]
title = "خبرنامه"
access = "public"
fields = ["Mobile"]
embed_origins = ["HOST"]
accent = "#7a1f5c"
redirect = "HOST/thanks"

[forms.verified]
title = "خبرنامه"
access = "public"
fields = ["FName", "Mobile"]
embed_origins = ["HOST"]
verify = "sms"

[forms.over]
title = "همایش سال پیش"
access = "public"
fields = ["Mobile"]
embed_origins = ["HOST"]
closes = "1400/01/15"
"""

TYPED = {"FName": "سارا", "LName": "کاظمی", "Mobile": MOBILE}

# What the README tells a website's owner to write, where a sandbox is wanted.
SANDBOX = 'sandbox="allow-forms allow-scripts allow-same-origin"'

# A page of the website notes every event, and every message that reaches it.
LISTEN = """<script>
var told = [], heard = [];
for (const name of ["ready", "code", "invalid", "closed", "submitted"]) {
  document.addEventListener(`amoot-form:${name}`, ({ target, detail }) => {
    told.push([name, target.id, detail]);
  });
}
addEventListener("message", ({ data }) => heard.push(JSON.stringify(data)));
</script>"""

# In the frame, each message is noted with the origin that it is meant for.
SPY = """
if (parent !== window && location.pathname.startsWith("/embed/")) {
  const real = parent;
  const spy = { postMessage: (message, ...target) => {
    console.debug("posted", JSON.stringify(target));
    real.postMessage(message, ...target);
  } };
  const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "source");
  Object.defineProperty(window, "parent", { get: () => spy });
  Object.defineProperty(MessageEvent.prototype, "source", { get() {
    const source = get.call(this);
    return source === real ? spy : source;
  } });
}
"""


@pytest.fixture(scope="module")
def stranger() -> Iterator[Site]:
    """Run a website that may not."""
    with hosting() as running:
        yield running


def _appender(into: list[Response]) -> Callable[[Response], None]:
    def append(response: Response) -> None:
        into.append(response)

    return append


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a tab; at the end no cookie may have come, and no fault."""
    contexts: list[BrowserContext] = []
    sent: list[Response] = []
    faults: list[str] = []

    def open_tab(**options: Any) -> Page:
        context = browser.new_context(locale="fa-IR", reduced_motion="reduce", **options)
        contexts.append(context)
        context.on("response", _appender(sent))
        tab = context.new_page()
        tab.on("pageerror", lambda error: faults.append(str(error)))
        return tab

    yield open_tab
    cookies = [cookie for context in contexts for cookie in context.cookies()]
    headers = [response.header_value("set-cookie") for response in sent]
    for context in contexts:
        context.close()
    assert cookies == []
    assert set(headers) <= {None}
    assert faults == []


@pytest.fixture
def tab(opened: Callable[..., Page]) -> Page:
    """Open a tab."""
    return opened()


def iframe(server: Server, slug: str = "signup", more: str = 'id="one"') -> str:
    """Return the snippet's first line."""
    return (
        f'<iframe {more} src="{server.url}/embed/{slug}" title="عضویت در خبرنامه"'
        ' width="100%" height="640" style="border:0"></iframe>'
    )


def script(server: Server, how: str = "async") -> str:
    """Return the snippet's second line."""
    return f'<script src="{server.url}/embed.js" {how}></script>'


def page_of(*parts: str, head: str = "") -> str:
    """Return a page of the website, with an icon: Chromium looks for one, and logs a 404."""
    return (
        '<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8">'
        f'<link rel="icon" href="data:,">{head}{LISTEN}'
        f"<body>{''.join(parts)}"
    )


def frame_of(tab: Page, number: int = 1) -> Frame:
    """Return what a page's iframe shows."""
    return tab.frames[number]


def fill(form: Frame | FrameLocator) -> None:
    """Fill in the form."""
    for name, value in TYPED.items():
        if form.locator(f"#{name}").count():
            form.locator(f"#{name}").fill(value)
    if form.locator("#consent").count():
        form.locator("#consent").check()


def send(form: Frame | FrameLocator) -> None:
    """Press the form's button."""
    form.locator("button[type=submit]").click()


def told(tab: Page, count: int) -> list[tuple[str, str, dict[str, str]]]:
    """Wait for so many events on the page, and return them."""
    tab.wait_for_function("count => told.length >= count", arg=count)
    tab.wait_for_timeout(100)  # for one too many
    return [(name, target, detail) for name, target, detail in tab.evaluate("told")]


def is_fitting(tab: Page, number: int = 1) -> bool:
    """Tell whether an iframe is exactly as high as what it shows."""
    inside = frame_of(tab, number).evaluate(
        "() => Math.ceil(document.documentElement.getBoundingClientRect().height) - innerHeight"
    )
    return bool(inside == 0)


def wait_until_fitting(tab: Page, number: int = 1) -> None:
    """Wait until an iframe is exactly as high as what it shows."""
    for _ in range(600):
        if is_fitting(tab, number):
            return
        tab.wait_for_timeout(50)
    pytest.fail("the iframe is not as high as its form")


@pytest.mark.nightly  # the Chromium without windows blocks none; no form of ours has one to block
def test_third_party_cookies_are_blocked(browser: Browser, website: Site) -> None:
    """The control: what sets its cookie on a page of its own cannot do so in a frame."""
    path = website.publish("/cookie", headers={"Set-Cookie": "control=1; SameSite=None; Secure"})
    framed = path.replace("localhost", "127.0.0.1")
    address = website.publish("/control", page_of(f'<iframe src="{framed}"></iframe>'))
    with browser.new_context() as context:
        tab = context.new_page()
        with tab.expect_response(framed) as sent:
            tab.goto(address)
        assert sent.value.header_value("set-cookie")
        assert context.cookies() == []
        tab.goto(framed)
        assert [cookie["name"] for cookie in context.cookies()] == ["control"]


def test_snippet_fits_the_height_and_tells_the_page(
    tab: Page, server: Server, website: Site, simulator: Simulator
) -> None:
    """An error, then a success: events without a field's value, to the listed origin alone."""
    posted: list[str] = []
    tab.on("console", lambda said: posted.append(said.text))
    tab.add_init_script(SPY)
    tab.goto(website.publish("/", page_of(iframe(server), script(server))))
    assert told(tab, 1) == [("ready", "one", {"form": "signup", "reference": "", "result": ""})]
    wait_until_fitting(tab)
    assert frame_of(tab).evaluate("document.scrollingElement.scrollHeight - innerHeight") == 0

    fill(frame_of(tab))
    frame_of(tab).locator("#consent").uncheck()
    send(frame_of(tab))
    expect(frame_of(tab).locator("[data-outcome=invalid]")).to_be_visible()
    detail = {"form": "signup", "reference": "", "result": "invalid"}
    assert told(tab, 3)[2] == ("invalid", "one", detail)
    wait_until_fitting(tab)

    frame_of(tab).locator("#consent").check()
    send(frame_of(tab))
    message = frame_of(tab).locator("[data-outcome=delivered]")
    expect(message).to_be_visible()
    reference = message.get_attribute("data-reference")
    detail = {"form": "signup", "reference": reference, "result": "delivered"}
    assert told(tab, 5)[4] == ("submitted", "one", detail)
    wait_until_fitting(tab)
    assert [contact["FName"] for contact in simulator.contacts] == ["سارا"]

    heard = [json.loads(message) for message in tab.evaluate("heard")]
    assert {name for message in heard for name in message} <= {
        *("mark", "form", "type", "height", "outcome", "reference", "step", "top")
    }
    said = json.dumps([heard, tab.evaluate("told")], ensure_ascii=False)
    assert not any(value in said for value in (*TYPED.values(), "9121234567"))
    posted = [text for text in posted if text.startswith("posted")]
    assert len(posted) == len(heard)
    assert set(posted) == {f'posted ["{website.origin}"]'}


def test_page_around_hears_that_a_form_is_closed_and_is_not_scrolled(
    tab: Page, server: Server, website: Site
) -> None:
    """The frame says why, in a height that fits."""
    low = '<p style="height: 3000px">'
    tab.goto(website.publish("/", page_of(low, iframe(server, "over"), script(server))))
    detail = {"form": "over", "reference": "", "result": "closed"}
    assert told(tab, 2)[1] == ("closed", "one", detail)
    expect(frame_of(tab).locator("[data-outcome=closed]")).to_contain_text("۱۵ فروردین ۱۴۰۰")
    wait_until_fitting(tab)
    assert tab.evaluate("scrollY") == 0


def test_iframe_works_without_script(
    opened: Callable[..., Page], server: Server, website: Site, simulator: Simulator
) -> None:
    """An error, the corrected form sent by a double click, one success."""
    tab = opened(java_script_enabled=False)
    tab.goto(website.publish("/", page_of(iframe(server), script(server))))
    form = tab.frame_locator("#one")
    fill(form)
    form.locator("#Mobile").fill("0912")
    send(form)
    expect(form.locator("[data-outcome=invalid]")).to_be_visible()
    form.locator("#Mobile").fill(MOBILE)
    form.locator("button[type=submit]").dblclick()
    expect(form.locator("[data-outcome=delivered]")).to_be_visible()
    tab.wait_for_timeout(200)
    assert [contact["FName"] for contact in simulator.contacts] == ["سارا"]


@pytest.mark.parametrize("with_script", [True, False])
def test_number_is_verified_in_the_iframe(
    opened: Callable[..., Page],
    server: Server,
    website: Site,
    simulator: Simulator,
    *,
    with_script: bool,
) -> None:
    """The number is corrected, a code is wrong, then right; the page hears of the end alone.

    With script, the focus is at what comes next: the code, what is wrong, the receipt.
    """
    tab = opened(java_script_enabled=with_script)
    tab.goto(website.publish("/", page_of(iframe(server, "verified"), script(server))))
    form = tab.frame_locator("#one")
    fill(form)
    form.locator("#Mobile").fill("09129999999")
    send(form)
    expect(form.locator("[data-outcome=code]")).to_contain_text("۰۹۱۲۹۹۹۹۹۹۹")
    form.locator("[name=change]").click()
    expect(form.locator("#FName")).to_have_value("سارا")
    if with_script:
        expect(form.locator("#Mobile")).to_be_focused()
    form.locator("#Mobile").fill(MOBILE)
    send(form)
    expect(form.locator("[data-outcome=code]")).to_contain_text("۰۹۱۲۱۲۳۴۵۶۷")
    if with_script:
        expect(form.locator("[name=resend]")).to_be_disabled()
        expect(form.locator("#Code")).to_be_focused()
        wait_until_kept(tab)
        tab.reload()
        expect(form.locator("[data-outcome=code]")).to_contain_text("۰۹۱۲۱۲۳۴۵۶۷")
    else:
        form.locator("[name=resend]").click()
        expect(form.locator("[data-outcome=code]")).to_contain_text("صبر کنید")
    code = simulator.codes[-1]["Code"]
    form.locator("#Code").fill(str(int(code) - 1))
    send(form)
    expect(form.locator("#Code-error")).to_be_visible()
    if with_script:
        expect(form.locator("#Code")).to_be_focused()
    assert simulator.contacts == []
    form.locator("#Code").fill(code)
    form.locator("#Code").press("Enter")
    expect(form.locator("[data-outcome=delivered]")).to_be_visible()
    assert [contact["Mobile"] for contact in simulator.contacts] == [989121234567]
    if with_script:
        expect(form.locator("[data-outcome=delivered]")).to_be_focused()
        events = told(tab, 4)
        assert {name for name, _, _ in events} == {"ready", "code", "invalid", "submitted"}
        assert [detail["result"] for name, _, detail in events if name == "submitted"] == [
            "delivered"
        ]
        wait_until_fitting(tab)
        tab.reload()
        expect(form.locator("#FName")).to_be_visible()  # what is over does not come back


def test_without_the_second_line_the_iframe_works_too(
    tab: Page, server: Server, website: Site
) -> None:
    """As where the website's policy or a blocker keeps the script away; it says nothing.

    On a phone, what comes of a submission is in sight, though the button was far below.
    """
    tab.set_viewport_size({"width": 360, "height": 500})
    tab.goto(website.publish("/", page_of(iframe(server))))
    assert tab.evaluate("document.activeElement.tagName") == "BODY"
    tab.locator("iframe").evaluate("it => { it.style.height = '2000px' }")
    send(frame_of(tab))
    message = frame_of(tab).locator("[data-outcome=invalid]")
    expect(message).to_be_focused()
    expect(message).to_be_in_viewport()
    assert tab.evaluate("heard") == []


LATE = "<script>onload = () => setTimeout(() => document.body.append({}), 300)</script>"
MAKE_FRAME = """(() => {{
  const box = document.createElement("template");
  box.innerHTML = `{}`;
  return box.content;
}})()"""
MAKE_SCRIPT = 'Object.assign(document.createElement("script"), {{ src: "{}/embed.js" }})'


@each(
    "make",
    [
        pytest.param(lambda server: iframe(server) + script(server, ""), id="not async"),
        pytest.param(lambda server: script(server, "") + iframe(server), id="script first"),
        pytest.param(lambda server: script(server) * 2 + iframe(server), id="script twice"),
        pytest.param(
            lambda server: script(server) + LATE.format(MAKE_FRAME.format(iframe(server))),
            id="iframe later",
        ),
        pytest.param(
            lambda server: iframe(server) + LATE.format(MAKE_SCRIPT.format(server.url)),
            id="script later",
        ),
        pytest.param(
            lambda server: iframe(server, more='id="one" loading="lazy"') + script(server),
            id="lazy",
        ),
        pytest.param(lambda server: iframe(server, more=f'id="one" {SANDBOX}') + script(server),
                     id="sandbox"),
    ],
)  # fmt: skip
def test_order_of_things_does_not_matter(
    tab: Page, server: Server, website: Site, make: Callable[[Server], str]
) -> None:
    """One event for one form, and the right height."""
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(website.publish("/", page_of(make(server))))
    assert told(tab, 1) == [("ready", "one", {"form": "signup", "reference": "", "result": ""})]
    wait_until_fitting(tab)
    assert said == []


def test_several_forms_on_one_page_keep_apart(tab: Page, server: Server, website: Site) -> None:
    """The same form twice and another one, each with its own snippet."""
    snippets = [
        iframe(server, slug, f'id="{name}"') + script(server)
        for name, slug in (("one", "signup"), ("two", "news"), ("three", "signup"))
    ]
    tab.goto(website.publish("/", page_of(*snippets)))
    ready = sorted((target, detail["form"]) for _, target, detail in told(tab, 3))
    assert ready == [("one", "signup"), ("three", "signup"), ("two", "news")]
    for number in (1, 2, 3):
        wait_until_fitting(tab, number)
    height = tab.locator("#one").get_attribute("style")
    form = tab.frame_locator("#three")
    fill(form)
    form.locator("#consent").uncheck()
    send(form)
    assert [(name, target) for name, target, _ in told(tab, 5)][3:] == [
        ("ready", "three"),
        ("invalid", "three"),
    ]
    wait_until_fitting(tab, 3)
    assert tab.locator("#one").get_attribute("style") == height
    assert tab.frame_locator("#one").locator("#FName").input_value() == ""


def test_website_that_is_not_listed_gets_no_form(tab: Page, server: Server, stranger: Site) -> None:
    """The browser refuses to show it."""
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(stranger.publish("/", page_of(iframe(server), script(server))))
    for _ in range(600):
        if any("frame-ancestors" in text for text in said):
            break
        tab.wait_for_timeout(50)
    assert any("frame-ancestors" in text for text in said)
    assert frame_of(tab).locator("form").count() == 0
    assert tab.evaluate("told") == tab.evaluate("heard") == []


def test_website_that_is_not_listed_hears_nothing(
    tab: Page, server: Server, stranger: Site
) -> None:
    """Even in a browser that knows no frame-ancestors."""

    def unguarded(route: Route) -> None:
        response = route.fetch()
        headers = {**response.headers, "content-security-policy": "default-src * 'unsafe-inline'"}
        route.fulfill(response=response, headers=headers)

    tab.route("**/embed/signup", unguarded)
    tab.goto(stranger.publish("/", page_of(iframe(server), script(server))))
    expect(frame_of(tab).locator("form")).to_be_visible()
    tab.wait_for_timeout(300)
    assert tab.evaluate("told") == tab.evaluate("heard") == []


RIGHT = {"mark": "amoot-form", "form": "signup", "height": 300, "reference": "ABCD1234", "top": 0}
WRONG = {
    "mark": ("other", "", None, 7),
    "form": ("", "Signup", "a b", "<b>", "a" * 41, 7, ["signup"], None),
    "type": ("constructor", "__proto__", "", "Submitted", ["submitted"], None),
    "height": (-1, 0, 99, 10001, 1e9, 300.5, "300", "300px;color:red", None, [300], True),
    "reference": ("abcd1234", "ABC", "A" * 17, "ABCD 1234", "ABCD\n", 12345678, None, ["ABCD"]),
    "top": (-1, 10001, 0.5, "0", None),
    "outcome": ("Delivered", "a" * 21, "a b", "<b>", 7, None, ["delivered"]),
    "redirect": (
        *("javascript:alert(1)", "data:text/html,x", "//evil.example", "/thanks", "https://"),
        *("file:///etc/passwd", " https://evil.example", "https://a b", None, 7, ["https://x"]),
    ),
}
FORGED = [
    *(None, "amoot-form", 7, ["amoot-form", "height", 300], {}),
    *({**RIGHT, "type": "height", "mark": wrong} for wrong in WRONG["mark"]),
    *({**RIGHT, "type": "ready", "form": wrong} for wrong in WRONG["form"]),
    *({**RIGHT, "type": wrong} for wrong in WRONG["type"]),
    *({**RIGHT, "type": "height", "height": wrong} for wrong in WRONG["height"]),
    *({**RIGHT, "type": "submitted", "redirect": wrong} for wrong in WRONG["redirect"]),
    *(
        {**RIGHT, "type": kind, name: wrong}
        for kind in ("submitted", "invalid")
        for name in ("reference", "top", "outcome")
        for wrong in WRONG[name]
    ),
    {**RIGHT, "type": "submitted", "reference": ""},
]
POST = "([messages, target]) => messages.forEach((each) => parent.postMessage(each, target))"


def test_messages_of_a_wrong_shape_are_ignored(tab: Page, server: Server, website: Site) -> None:
    """Though they come from the form's own frame; then a right one counts."""
    address = website.publish("/", page_of(iframe(server), script(server)))
    tab.goto(address)
    told(tab, 1)
    wait_until_fitting(tab)
    height = tab.locator("#one").get_attribute("style")
    before = tab.evaluate("heard.length")
    frame_of(tab).evaluate(POST, [FORGED, website.origin])
    tab.wait_for_function("count => heard.length === count", arg=before + len(FORGED))
    assert len(told(tab, 1)) == 1
    assert tab.locator("#one").get_attribute("style") == height
    assert tab.url == address
    frame_of(tab).evaluate(POST, [[{**RIGHT, "type": "height"}], website.origin])
    expect(tab.locator("#one")).to_have_css("height", "300px")


def test_messages_from_anybody_else_are_ignored(
    tab: Page, server: Server, website: Site, stranger: Site
) -> None:
    """Another site's frame, the page itself, and a frame of our origin that is no form's."""
    evil = stranger.publish("/evil", page_of())
    others = f'<iframe src="{evil}"></iframe><iframe src="{server.url}/embed.js"></iframe>'
    tab.goto(website.publish("/", page_of(iframe(server), others, script(server))))
    told(tab, 1)
    wait_until_fitting(tab)
    height = tab.locator("#one").get_attribute("style")
    right = [{**RIGHT, "type": "height"}, {**RIGHT, "type": "submitted"}]
    before = tab.evaluate("heard.length")
    for frame in tab.frames[2:]:
        frame.evaluate(POST, [right, website.origin])
    tab.evaluate(POST, [right, website.origin])
    tab.wait_for_function("count => heard.length === count", arg=before + 3 * len(right))
    assert len(told(tab, 1)) == 1
    assert tab.locator("#one").get_attribute("style") == height


def test_another_site_in_the_forms_own_iframe_is_ignored(
    tab: Page, server: Server, website: Site, stranger: Site
) -> None:
    """Where a link or a script led the iframe away, its messages count no more."""
    evil = stranger.publish("/evil", page_of())
    tab.goto(website.publish("/", page_of(iframe(server), script(server))))
    told(tab, 1)
    wait_until_fitting(tab)
    height = tab.locator("#one").get_attribute("style")
    tab.evaluate("address => { frames[0].location = address }", evil)
    frame_of(tab).wait_for_url(evil)
    before = tab.evaluate("heard.length")
    frame_of(tab).evaluate(POST, [[{**RIGHT, "type": "height"}], website.origin])
    tab.wait_for_function("count => heard.length === count", arg=before + 1)
    assert tab.locator("#one").get_attribute("style") == height


def test_only_a_hello_from_the_page_around_opens_the_frames_mouth(
    tab: Page, server: Server, website: Site, stranger: Site
) -> None:
    """A frame beside it says hello in vain, be it a stranger's or the website's own."""
    beside = stranger.publish("/beside", page_of()), website.publish("/beside", page_of())
    others = [f'<iframe src="{address}"></iframe>' for address in beside]
    tab.goto(website.publish("/", page_of(iframe(server), *others)))
    hello = "target => parent.frames[0].postMessage({ mark: 'amoot-form', type: 'hello' }, target)"
    for frame in tab.frames[2:]:
        frame.evaluate(hello, server.url)
    tab.wait_for_timeout(300)
    assert [frame.evaluate("heard") for frame in (tab, *tab.frames[2:])] == [[], [], []]
    tab.evaluate(hello, server.url)
    tab.wait_for_function("heard.length >= 2")


def test_back_and_change_signs_up_another_person(
    tab: Page, server: Server, website: Site, simulator: Simulator
) -> None:
    """As a family does on one phone; the way back itself tells nothing."""
    tab.goto(website.publish("/", page_of(iframe(server), script(server))))
    fill(frame_of(tab))
    send(frame_of(tab))
    expect(frame_of(tab).locator("[data-outcome=delivered]")).to_be_visible()
    tab.evaluate("history.back()")
    expect(frame_of(tab).locator("#FName")).to_be_visible()
    assert [name for name, _, _ in told(tab, 4)] == ["ready", "ready", "submitted", "ready"]
    wait_until_fitting(tab)
    fill(frame_of(tab))
    frame_of(tab).locator("#FName").fill("نیما")
    send(frame_of(tab))
    expect(frame_of(tab).locator("[data-outcome=delivered]")).to_be_visible()
    assert [contact["FName"] for contact in simulator.contacts] == ["سارا", "نیما"]


def test_redirect_is_followed_once_by_the_page_around(
    tab: Page, server: Server, website: Site, simulator: Simulator
) -> None:
    """From a sandbox, too; Back leads to the website's page, and leaves the person there."""
    thanks = website.publish("/thanks", page_of("سپاس"))
    framed = iframe(server, "news", f'id="one" {SANDBOX}')
    address = website.publish("/", page_of(framed, script(server)))
    tab.goto(address)
    told(tab, 1)
    wait_until_fitting(tab)
    fill(frame_of(tab))
    send(frame_of(tab))
    tab.wait_for_url(thanks)
    tab.go_back()
    tab.wait_for_timeout(500)
    assert tab.url == address
    tab.reload()
    tab.wait_for_timeout(500)
    assert tab.url == address
    assert len(simulator.contacts) == 1


def test_listener_can_keep_the_person_on_the_page(tab: Page, server: Server, website: Site) -> None:
    """By preventDefault(), as always."""
    keep = (
        "<script>addEventListener('amoot-form:submitted', e => e.preventDefault(), true)</script>"
    )
    address = website.publish("/", page_of(keep, iframe(server, "news"), script(server)))
    tab.goto(address)
    told(tab, 1)
    right = {**RIGHT, "type": "submitted", "redirect": website.origin + "/thanks"}
    frame_of(tab).evaluate(POST, [[right], website.origin])
    assert told(tab, 2)[1][0] == "submitted"
    tab.wait_for_timeout(200)
    assert tab.url == address


FILLER = '<p style="height:{}px">متن</p>'
PHONE = {"width": 360, "height": 640}


def test_message_out_of_view_is_scrolled_to(
    opened: Callable[..., Page], server: Server, website: Site
) -> None:
    """The button stands at the end of the form, the message at its start."""
    tab = opened(viewport=PHONE)
    parts = FILLER.format(900), iframe(server), script(server), FILLER.format(900)
    tab.goto(website.publish("/", page_of(*parts)))
    told(tab, 1)
    frame_of(tab).locator("#Mobile").fill("0912")
    send(frame_of(tab))
    message = frame_of(tab).locator("[data-outcome=invalid]")
    expect(message).to_be_in_viewport(ratio=0.9)
    told(tab, 3)
    expect(message).to_be_in_viewport(ratio=0.9)
    box = message.bounding_box()
    assert box
    assert 0 < box["y"] < PHONE["height"] / 2


def test_message_in_view_moves_nothing(
    opened: Callable[..., Page], server: Server, website: Site
) -> None:
    """A person who sees it is left alone."""
    tab = opened(viewport={"width": 1280, "height": 1200})
    parts = FILLER.format(200), iframe(server, "news"), script(server), FILLER.format(2000)
    tab.goto(website.publish("/", page_of(*parts)))
    told(tab, 1)
    tab.evaluate("scrollTo(0, 50)")
    send(frame_of(tab))
    expect(frame_of(tab).locator("[data-outcome=invalid]")).to_be_in_viewport()
    told(tab, 3)
    tab.wait_for_timeout(700)
    assert tab.evaluate("scrollY") == 50


def test_form_grows_with_what_it_shows(tab: Page, server: Server, website: Site) -> None:
    """And shrinks again; a narrower page makes it higher."""
    tab.goto(website.publish("/", page_of(iframe(server), script(server))))
    told(tab, 1)
    wait_until_fitting(tab)
    heights = []
    for width in (1280, 320, 1280):
        tab.set_viewport_size({"width": width, "height": 800})
        tab.wait_for_timeout(200)
        wait_until_fitting(tab)
        heights.append(tab.locator("#one").evaluate("each => each.offsetHeight"))
    assert heights[0] == heights[2] < heights[1]


@each(("name", "most"), [("embed.js", 1770), ("frame.js", 960)])
def test_scripts_are_light(name: str, most: int) -> None:
    """Bytes, gzipped."""
    assert len(gzip.compress((STATIC / name).read_bytes())) <= most


STYLE = """<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body { font: 17px/1.7 Tahoma, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
header { background: #123; color: #fff; padding: 1rem; } aside { background: #eee; padding: 1rem; }
@media (min-width: 50rem) { main { display: grid; gap: 2rem; grid-template-columns: 1fr 1fr; } }
* { box-sizing: border-box; } main > * { min-width: 0; }
</style>"""
PERSIAN = """<html lang="fa" dir="rtl"><meta charset="utf-8">{}<header>فروشگاه نمونه</header><main>
<div><h1>تازه‌های فروشگاه</h1><p>هر هفته کالاهای تازه را با پیامک به شما خبر می‌دهیم.</p></div>
<div>{}</div></main>"""
ENGLISH = """<html lang="en" dir="ltr"><meta charset="utf-8">{}<header>Sample Shop</header><main>
<div><h1>What is new</h1><p>Every week we tell you of new goods by text message.</p></div>
<div>{}</div></main>"""


@each(("html", "width"), [(PERSIAN, 360), (ENGLISH, 1280)])
def test_form_looks_well_in_pages_of_both_directions(
    tab: Page, server: Server, website: Site, html: str, width: int
) -> None:
    """Nothing scrolls sideways, errors included."""
    tab.set_viewport_size({"width": width, "height": 1400})
    text = html.format(STYLE + LISTEN, iframe(server) + script(server))
    tab.goto(website.publish("/", "<!doctype html>" + text))
    told(tab, 1)
    for state in ("empty", "invalid"):
        if state == "invalid":
            send(frame_of(tab))
            told(tab, 3)
        wait_until_fitting(tab)
        for frame in tab.frames:
            assert frame.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    expect(frame_of(tab).locator("#Mobile-error")).to_have_text(messages.MOBILE_EMPTY)


@pytest.mark.nightly
def test_firefox_shows_the_form_and_tells_the_page(
    firefox: Firefox, server: Server, website: Site, simulator: Simulator, tmp_path: Path
) -> None:
    """The main path: height, an error, a success, the events; no cookie in the end."""
    address = website.publish("/firefox", page_of(iframe(server), script(server)))
    firefox.tell("WebDriver:Navigate", url=address)
    detail = {"form": "signup", "reference": "", "result": ""}
    firefox.wait(lambda: firefox.run("told") == [["ready", "one", detail]])

    def is_fitting() -> bool:
        firefox.enter("#one")
        room = firefox.run(
            "Math.ceil(document.documentElement.getBoundingClientRect().height) - innerHeight"
        )
        firefox.enter(None)
        return bool(room == 0)

    firefox.wait(is_fitting)
    firefox.enter("#one")
    firefox.click("button[type=submit]")
    firefox.enter(None)
    firefox.wait(lambda: [name for name, _, _ in firefox.run("told")][1:] == ["ready", "invalid"])
    firefox.wait(is_fitting)
    firefox.enter("#one")
    for name, value in TYPED.items():
        firefox.type(f"#{name}", value)
    firefox.click("#consent")
    firefox.click("button[type=submit]")
    firefox.enter(None)
    firefox.wait(lambda: len(firefox.run("told")) >= 5)
    firefox.wait(is_fitting)
    name, target, detail = firefox.run("told")[4]
    firefox.enter("#one")
    reference = firefox.run("document.querySelector('[data-outcome=delivered]').dataset.reference")
    firefox.enter(None)
    assert (name, target, detail) == (
        "submitted",
        "one",
        {"form": "signup", "reference": reference, "result": "delivered"},
    )
    said = json.dumps(firefox.run("[told, heard]"), ensure_ascii=False)
    assert not any(value in said for value in (*TYPED.values(), "9121234567"))
    assert [contact["FName"] for contact in simulator.contacts] == ["سارا"]
    assert firefox.cookies() == []
    image = firefox.tell("WebDriver:TakeScreenshot", full=True)
    (tmp_path / "firefox.png").write_bytes(base64.b64decode(image))


@pytest.mark.nightly
def test_firefox_follows_the_redirect_and_stays_back(
    firefox: Firefox, server: Server, website: Site, simulator: Simulator
) -> None:
    """Back leads to the website's page, and leaves the person there."""
    thanks = website.publish("/thanks", page_of("سپاس"))
    address = website.publish("/firefox", page_of(iframe(server, "news"), script(server)))
    firefox.tell("WebDriver:Navigate", url=address)
    firefox.enter("#one")
    firefox.type("#Mobile", MOBILE)
    firefox.click("button[type=submit]")
    firefox.enter(None)
    firefox.wait(lambda: firefox.run("location.href") == thanks)
    firefox.tell("WebDriver:Back")
    time.sleep(0.5)
    assert firefox.run("location.href") == address
    firefox.tell("WebDriver:Refresh")
    time.sleep(0.5)
    assert firefox.run("location.href") == address
    assert len(simulator.contacts) == 1


@pytest.mark.nightly
def test_firefox_verifies_a_number_in_the_iframe(
    firefox: Firefox, server: Server, website: Site, simulator: Simulator
) -> None:
    """With third-party cookies blocked."""
    address = website.publish("/verified", page_of(iframe(server, "verified"), script(server)))
    firefox.tell("WebDriver:Navigate", url=address)
    firefox.enter("#one")
    firefox.type("#Mobile", MOBILE)
    firefox.click("button[type=submit]")
    firefox.wait(lambda: firefox.run("!!document.querySelector('#Code')"))
    firefox.type("#Code", simulator.codes[-1]["Code"])
    firefox.click("button[type=submit]")
    firefox.wait(lambda: firefox.run("!!document.querySelector('[data-outcome=delivered]')"))
    firefox.enter(None)
    assert len(simulator.contacts) == 1
    assert firefox.cookies() == []


@pytest.mark.nightly
def test_firefox_blocks_third_party_cookies(firefox: Firefox, website: Site) -> None:
    """The control: a page of its own may set one."""
    path = website.publish("/cookie", headers={"Set-Cookie": "control=1; SameSite=None; Secure"})
    framed = path.replace("localhost", "127.0.0.1")
    address = website.publish("/control", page_of(f'<iframe src="{framed}"></iframe>'))
    firefox.tell("WebDriver:Navigate", url=address)
    assert firefox.cookies() == []
    firefox.tell("WebDriver:Navigate", url=framed)
    assert firefox.cookies() == ["control"]
    firefox.tell("WebDriver:DeleteAllCookies")


@pytest.fixture
def webkit(tmp_path: Path) -> Iterator[WebKit]:
    """Run Debian's WebKitGTK."""
    running = WebKit(tmp_path)
    yield running
    running.close()


@pytest.mark.nightly
def test_webkit_verifies_a_number_in_the_iframe(
    webkit: WebKit, server: Server, website: Site, simulator: Simulator
) -> None:
    """As Safari: the page is told, and the code step needs no cookie, which it would block."""
    address = website.publish("/webkit", page_of(iframe(server, "verified"), script(server)))
    webkit.goto(address)
    webkit.wait(lambda: [name for name, _, _ in webkit.run("told")] == ["ready"])
    webkit.enter("#one")
    webkit.type("#Mobile", MOBILE)
    webkit.click("button[type=submit]")
    webkit.wait(lambda: webkit.run("!!document.querySelector('#Code')"))
    webkit.type("#Code", simulator.codes[-1]["Code"])
    webkit.click("button[type=submit]")
    webkit.wait(lambda: webkit.run("!!document.querySelector('[data-outcome=delivered]')"))
    assert webkit.run("document.cookie") == ""
    webkit.enter(None)
    webkit.wait(lambda: webkit.run("told")[-1][0] == "submitted")
    assert len(simulator.contacts) == 1
