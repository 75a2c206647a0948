"""Back, Forward and reload after an error: no error page of the browser, and nothing sent twice."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from firefox import Firefox
from flask import request
from hosting import Site, hosting
from playwright.sync_api import expect
from werkzeug.serving import make_server

from webapp.delivery.intake import Intake
from webapp.delivery.outcome import STORE_FAILED, Outcome, Result
from webapp.web.views import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from playwright.sync_api import Browser, BrowserContext, Frame, Page

    from webapp.portal.simulator.server import Simulator

FORMS = """
[forms.desk]
title = "ثبت مخاطب"
access = "intranet"
fields = ["Mobile", "FName", "AddressText"]
duplicates = "ask"

[forms.signup]
title = "عضویت"
access = "public"
fields = ["FName", "Mobile", "AddressText"]
embed_origins = ["HOST"]

[forms.club]
title = "باشگاه"
access = "public"
fields = ["FName", "Mobile"]
embed_origins = ["HOST"]
verify = "sms"
proof_of_work = false
"""
MOBILE = "09121234567"
UNSTORABLE = "ناشدنی"  # whose contact cannot be stored
LONG = "ن" * 3000  # more than 16 KB as it is sent


@dataclass(frozen=True)
class Running:
    """An app that is served by this process.

    Attributes:
        url: Its address.
        posts: The status of each answer to a POST.
        website: A website that may embed its forms.
        portal: Its portal.
    """

    url: str
    posts: list[int]
    website: Site
    portal: Simulator


@pytest.fixture
def running(
    make_app: Callable[..., Flask],
    tmp_path: Path,
    portal: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Running]:
    """Serve the forms; a number may sign up once an hour, and one person cannot be stored."""
    submit = Intake.submit

    def submit_or_fail(self: Intake, contact: Any, key: str, **more: Any) -> Outcome:
        if contact["FName"] == UNSTORABLE:
            return Outcome(result=Result.UNSTORED, reference="ABCD2345", status=STORE_FAILED)
        return submit(self, contact, key, **more)

    monkeypatch.setattr(Intake, "submit", submit_or_fail)
    with hosting() as website:
        file = tmp_path / "forms.toml"
        file.write_text(FORMS.replace("HOST", website.origin))
        app, posts = make_app(forms_file=file, limit_mobile="1/hour"), list[int]()

        @app.after_request
        def note(response: Any) -> Any:
            if request.method == "POST":
                posts.append(response.status_code)
            return response

        app.extensions[EXTENSION].delivery.database.check_writable()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Running(f"http://127.0.0.1:{server.server_port}", posts, website, portal)
        server.shutdown()
        thread.join()
        server.server_close()


# Each way to an error: the form, what is typed, and the status of the answer.
ERRORS = {
    "invalid": ("signup", {"FName": "سارا", "Mobile": "12"}, 422),
    "too large": ("signup", {"FName": "سارا", "Mobile": MOBILE, "AddressText": LONG}, 413),
    "unstored": ("signup", {"FName": UNSTORABLE, "Mobile": MOBILE}, 503),
    "too many": ("signup", {"FName": "نیما", "Mobile": MOBILE}, 429),
    "wrong code": ("club", {"FName": "سارا", "Mobile": MOBILE}, 422),
    "known": ("desk", {"FName": "نیما", "Mobile": MOBILE}, 409),
}
FRAMED = ("invalid", "unstored", "too many", "wrong code")


def send(place: Page | Frame, typed: dict[str, str]) -> None:
    """Fill in a form and send it, whatever is too long included."""
    for name, value in typed.items():
        field = place.locator(f"#{name}")
        field.evaluate("each => each.removeAttribute('maxlength')")
        field.fill(value)
    place.locator("form button[type=submit]").first.click()


def fail(place: Page | Frame, running: Running, name: str) -> None:
    """Bring about an error."""
    _, typed, status = ERRORS[name]
    if name in ("too many", "known"):
        send(place, {"FName": "سارا", "Mobile": MOBILE})
        expect(place.locator("[data-outcome=delivered]")).to_be_visible()
        place.goto(place.url.split("?")[0].replace("/done", ""))
    send(place, typed)
    if name == "wrong code":
        expect(place.locator("#Code")).to_be_visible()
        send(place, {"Code": wrong_code(running)})
    expect(place.locator("[role=alert]")).to_be_visible()
    assert running.posts[-1] == status


def wrong_code(running: Running) -> str:
    """Return another code than the one that was sent."""
    return f"{(int(running.portal.codes[-1]['Code']) + 1) % 100000:05}"


def shown(place: Page | Frame, name: str) -> dict[str, str]:
    """Return what a person sees of what they typed, and which try of a code comes next."""
    fields = ["try"] if name == "wrong code" else ERRORS[name][1]
    return {field: place.locator(f"form [name={field}]").input_value() for field in fields}


def expected(name: str) -> dict[str, str]:
    """Return what is to be shown: all that was typed, and that one try is used up."""
    return {"try": "2-4"} if name == "wrong code" else ERRORS[name][1]


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    """Open a fresh Chromium, with and without script."""
    with browser.new_context(java_script_enabled=request.param) as fresh:
        yield fresh


@pytest.mark.parametrize("name", ERRORS)
def test_back_forward_and_reload_after_an_error_keep_what_was_typed(
    context: BrowserContext, running: Running, name: str
) -> None:
    """On a page of its own: only a reload without script sends it again, which changes nothing."""
    page = context.new_page()
    page.goto(f"{running.url}/f/{ERRORS[name][0]}")
    fail(page, running, name)
    before, contacts = list(running.posts), len(running.portal.contacts)
    page.goto(f"{running.url}/accent/none.css")
    for go in (page.go_back, page.go_forward, page.go_back):
        go()
    expect(page.locator("form").first).to_be_visible()
    assert shown(page, name) == expected(name)
    assert running.posts == before
    for _ in range(2):
        page.reload()
        expect(page.locator("form").first).to_be_visible()
        assert shown(page, name) == expected(name)
    assert set(running.posts[len(before) :]) <= {ERRORS[name][2]}
    assert (len(running.portal.contacts), len(running.portal.codes)) == (
        contacts,
        int(name == "wrong code"),
    )


@pytest.mark.parametrize("name", FRAMED)
def test_back_forward_and_reload_of_the_page_around_never_break_the_frame(
    context: BrowserContext, running: Running, name: str
) -> None:
    """Back shows the error as it was; a reload begins with the form again."""
    source = f"{running.url}/embed/{ERRORS[name][0]}"
    host = running.website.publish("/", f'<iframe src="{source}" width=600 height=900></iframe>')
    page = context.new_page()
    page.goto(host)
    fail(page.frames[1], running, name)
    before = list(running.posts)
    page.goto(running.website.publish("/other", "other"))
    for go in (page.go_back, page.go_forward, page.go_back):
        go()
    expect(page.frame_locator("iframe").locator("form").first).to_be_visible()
    assert shown(page.frames[1], name) == expected(name)
    page.reload()
    expect(page.frame_locator("iframe").locator("form").first).to_be_visible()
    assert running.posts == before


def test_link_of_the_summary_is_not_kept_by_later_pages(
    context: BrowserContext, running: Running
) -> None:
    """The next error is in sight, and so is the receipt: neither address has a fragment."""
    page = context.new_page()
    page.goto(f"{running.url}/f/signup?utm_source=x")
    send(page, {"Mobile": "12"})
    for typed in ({"Mobile": "13"}, {"Mobile": MOBILE}):
        page.locator("[role=alert] a").click()
        assert page.url.endswith("#Mobile")
        send(page, typed)
        expect(page.locator("#Mobile-error, [data-outcome=delivered]").first).to_be_visible()
        assert "#" not in page.url
        assert "utm_source=x" in page.url or "r=" in page.url


# Firefox


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Run Debian's Firefox."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.fail("These tests need Firefox: `make test` installs Debian's `firefox-esr`.")
    running = Firefox(program, tmp_path_factory.mktemp("firefox"))
    yield running
    running.close()


def value(firefox: Firefox, name: str) -> str:
    """Return the value of an input."""
    (reference,) = firefox.element(f"form [name={name}]").values()
    return str(firefox.tell("WebDriver:GetElementProperty", id=reference, name="value"))


def is_there(firefox: Firefox, selector: str) -> bool:
    """Return whether the page or frame has an element."""
    using = {"using": "css selector", "value": selector}
    return bool(firefox.tell("WebDriver:FindElements", **using))


def fail_in_firefox(firefox: Firefox, running: Running, name: str) -> None:
    """Bring about an error."""
    _, typed, status = ERRORS[name]
    rounds = [{**typed, "FName": "سارا"}] * (name == "too many") + [typed]
    for number, values in enumerate(rounds):
        for field, text in values.items():
            firefox.type(f"#{field}", text)
        firefox.click("form button[type=submit]")
        if number < len(rounds) - 1:
            firefox.wait(lambda: is_there(firefox, "[data-outcome=delivered]"))
            firefox.click(".links a")
            firefox.wait(lambda: is_there(firefox, "#Mobile"))
    if name == "wrong code":
        firefox.wait(lambda: is_there(firefox, "#Code"))
        firefox.type("#Code", wrong_code(running))
        firefox.click("form button[type=submit]")
    firefox.wait(lambda: is_there(firefox, "[role=alert]"))
    assert running.posts[-1] == status


def script_is_on(firefox: Firefox, *, on: bool) -> None:
    """Switch script on or off."""
    firefox.tell("Marionette:SetContext", value="chrome")
    code = f"Services.prefs.setBoolPref('javascript.enabled', {str(on).lower()})"
    firefox.tell("WebDriver:ExecuteScript", script=code, args=[])
    firefox.tell("Marionette:SetContext", value="content")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize("name", FRAMED)
def test_firefox_goes_back_to_an_error_without_sending_anything(
    firefox: Firefox, running: Running, name: str, *, script: bool
) -> None:
    """On a page of its own and in a frame, with what was typed."""
    if name == "too many" and not script:
        pytest.skip("Firefox keeps no answer 429; docs/embedding.md says so.")
    script_is_on(firefox, on=script)
    try:
        form, typed = f"{ERRORS[name][0]}", ERRORS[name][1]
        frame = f'<iframe src="{running.url}/embed/{form}" width=600 height=900></iframe>'
        host = running.website.publish("/firefox", frame)
        away = running.website.publish("/other", "other")
        for address, place in ((f"{running.url}/f/{form}", None), (host, "iframe")):
            firefox.enter(None)
            firefox.tell("WebDriver:Navigate", url=address)
            if place:
                firefox.enter(place)
            fail_in_firefox(firefox, running, name)
            before = list(running.posts)
            firefox.enter(None)
            firefox.tell("WebDriver:Navigate", url=away)
            firefox.tell("WebDriver:Back")
            if place:
                firefox.enter(place)
            firefox.wait(lambda: is_there(firefox, "form"))
            fields = ["try"] if name == "wrong code" else typed
            assert {field: value(firefox, field) for field in fields} == expected(name)
            assert running.posts == before
    finally:
        firefox.enter(None)
        script_is_on(firefox, on=True)
