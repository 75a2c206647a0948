"""Back, Forward and reload after an error: no error page of the browser, and nothing sent twice."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from firefox import Firefox
from flask import Flask, request
from hosting import Site, hosting
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect
from werkzeug.serving import make_server

from webapp.demo import Simulator
from webapp.outbox.submit import STORE_FAILED, Intake, Outcome, Result
from webapp.web.rendering import EXTENSION

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
MOBILE = "a number that was not used before"
UNSTORABLE = "ناشدنی"  # whose contact cannot be stored
_NUMBERS = itertools.count()
LONG = "ن" * 3000  # more than 16 KB as it is sent


@dataclass(frozen=True)
class Running:
    """An app that is served by this process.

    Attributes:
        url: Its address.
        posts: The status of each answer to a form: not of those to the script that looks up a
            number while the next field is typed, which may come at any time.
        website: A website that may embed its forms.
        portal: Its portal.
    """

    url: str
    posts: list[int]
    website: Site
    portal: Simulator

    def typed(self, name: str) -> dict[str, str]:
        """Return what is typed to bring about an error."""
        fresh = f"0912{next(_NUMBERS):07}"
        return {field: fresh if text == MOBILE else text for field, text in ERRORS[name][1].items()}


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
            if request.method == "POST" and not request.path.endswith("/duplicates"):
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
ONE_TRY_USED = {"try": "2-4"}  # of the five of a code, of which two more may be sent
FRAMED = ("invalid", "unstored", "too many", "wrong code")


def send(place: Page | Frame, typed: dict[str, str]) -> None:
    """Fill in a form and send it, whatever is too long included."""
    for name, value in typed.items():
        field = place.locator(f"#{name}")
        field.evaluate("each => each.removeAttribute('maxlength')")
        field.fill(value)
    place.locator("form button[type=submit]").first.click()


def fail(place: Page | Frame, running: Running, name: str) -> dict[str, str]:
    """Bring about an error; return what a person is to see then."""
    typed, status = running.typed(name), ERRORS[name][2]
    if name in ("too many", "known"):
        send(place, {**typed, "FName": "سارا"})
        expect(place.locator("[data-outcome=delivered]")).to_be_visible()
        place.goto(place.url.split("?")[0].replace("/done", ""))
    send(place, typed)
    if name == "wrong code":
        expect(place.locator("#Code")).to_be_visible()
        send(place, {"Code": wrong_code(running)})
    expect(place.locator("[role=alert]")).to_be_visible()
    assert running.posts[-1] == status
    return ONE_TRY_USED if name == "wrong code" else typed


def wrong_code(running: Running) -> str:
    """Return another code than the one that was sent."""
    return f"{(int(running.portal.codes[-1]['Code']) + 1) % 100000:05}"


def shown(place: Page | Frame, expected: dict[str, str]) -> dict[str, str]:
    """Return what the inputs hold."""
    return {name: place.locator(f"form [name={name}]").input_value() for name in expected}


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    """Open a fresh Chromium, with and without script."""
    with browser.new_context(java_script_enabled=request.param) as fresh:
        yield fresh


def on_ways(names: Iterable[str]) -> Any:
    """Go some ways with script and fewer without it, at night each."""
    parameters = []
    for script, daily in (
        (True, {"invalid", "wrong code", "known"}),
        (False, {"invalid", "wrong code"}),
    ):
        kind = "with script" if script else "without script"
        parameters += [
            pytest.param(script, [name for name in names if name in daily], id=kind),
            pytest.param(
                script,
                [name for name in names if name not in daily],
                id=f"others {kind}",
                marks=pytest.mark.nightly,
            ),
        ]
    return pytest.mark.parametrize(("context", "names"), parameters, indirect=["context"])


@on_ways(ERRORS)
def test_back_forward_and_reload_after_an_error_keep_what_was_typed(
    context: BrowserContext, running: Running, names: Iterable[str]
) -> None:
    """On a page of its own: only a reload without script sends it again, which changes nothing."""
    page = context.new_page()
    for name in names:
        form, _, status = ERRORS[name]
        page.goto(f"{running.url}/f/{form}")
        expected = fail(page, running, name)
        before, stored = list(running.posts), received(running)
        page.goto(f"{running.url}/accent/none.css")
        for go in (page.go_back, page.go_forward, page.go_back):
            go()
        expect(page.locator("form").first).to_be_visible()
        assert shown(page, expected) == expected
        assert running.posts == before
        for _ in range(2):
            page.reload()
            expect(page.locator("form").first).to_be_visible()
            assert shown(page, expected) == expected
        assert set(running.posts[len(before) :]) <= {status}
        assert received(running) == stored


def received(running: Running) -> tuple[int, int]:
    """Return how many contacts and codes the portal got."""
    return len(running.portal.contacts), len(running.portal.codes)


@on_ways(FRAMED)
def test_back_forward_and_reload_of_the_page_around_never_break_the_frame(
    context: BrowserContext, running: Running, names: Iterable[str]
) -> None:
    """Back shows the error as it was; a reload begins with the form again."""
    away = running.website.publish("/other", "other")
    page = context.new_page()
    for name in names:
        page.goto(host_of(running, name))
        expected = fail(page.frames[1], running, name)
        before = list(running.posts)
        page.goto(away)
        for go in (page.go_back, page.go_forward, page.go_back):
            go()
        expect(page.frame_locator("iframe").locator("form").first).to_be_visible()
        assert shown(page.frames[1], expected) == expected
        page.reload()
        expect(page.frame_locator("iframe").locator("form").first).to_be_visible()
        assert running.posts == before


def host_of(running: Running, name: str) -> str:
    """Return the address of a website's page with the form of an error."""
    source = f"{running.url}/embed/{ERRORS[name][0]}"
    frame = f'<iframe src="{source}" width=600 height=900></iframe>'
    return running.website.publish(f"/{ERRORS[name][0]}", frame)


def test_link_of_the_summary_is_not_kept_by_later_pages(
    context: BrowserContext, running: Running
) -> None:
    """The next error is in sight, and so is the receipt: neither address has a fragment."""
    page = context.new_page()
    page.goto(f"{running.url}/f/signup?utm_source=x")
    send(page, {"Mobile": "12"})
    for typed in ({"Mobile": "13"}, {"Mobile": "09121234567"}):
        page.locator("[role=alert] a").click()
        assert page.url.endswith("#Mobile")
        send(page, typed)
        expect(page.locator("#Mobile-error, [data-outcome=delivered]").first).to_be_visible()
        assert "#" not in page.url
        assert "utm_source=x" in page.url or "r=" in page.url


# Firefox


def shows(firefox: Firefox, name: str, text: str) -> bool:
    """Return whether an input holds a text."""
    (reference,) = firefox.element(f"form [name={name}]").values()
    return bool(firefox.tell("WebDriver:GetElementProperty", id=reference, name="value") == text)


def is_there(firefox: Firefox, selector: str) -> bool:
    """Return whether the page or frame has an element."""
    using = {"using": "css selector", "value": selector}
    return bool(firefox.tell("WebDriver:FindElements", **using))


def fail_in_firefox(firefox: Firefox, running: Running, name: str) -> dict[str, str]:
    """Bring about an error; return what a person is to see then."""
    typed, status = running.typed(name), ERRORS[name][2]
    if name == "too many":
        send_in_firefox(firefox, {**typed, "FName": "سارا"})
        firefox.wait(lambda: is_there(firefox, "[data-outcome=delivered]"))
        firefox.click(".links a")
        firefox.wait(lambda: is_there(firefox, "#Mobile"))
    send_in_firefox(firefox, typed)
    if name == "wrong code":
        firefox.wait(lambda: is_there(firefox, "#Code"))
        send_in_firefox(firefox, {"Code": wrong_code(running)})
    firefox.wait(lambda: is_there(firefox, "[role=alert]"))
    assert running.posts[-1] == status
    return ONE_TRY_USED if name == "wrong code" else typed


def send_in_firefox(firefox: Firefox, typed: dict[str, str]) -> None:
    """Fill in a form and send it."""
    for field, text in typed.items():
        firefox.type(f"#{field}", text)
    firefox.click("form button[type=submit]")


def script_is_on(firefox: Firefox, *, on: bool) -> None:
    """Switch script on or off."""
    firefox.tell("Marionette:SetContext", value="chrome")
    code = f"Services.prefs.setBoolPref('javascript.enabled', {str(on).lower()})"
    firefox.tell("WebDriver:ExecuteScript", script=code, args=[])
    firefox.tell("Marionette:SetContext", value="content")


@pytest.mark.nightly
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_firefox_goes_back_to_an_error_without_sending_anything(
    firefox: Firefox, running: Running, *, script: bool
) -> None:
    """On a page of its own and in a frame, with what was typed."""
    # Firefox keeps no answer 429: docs/embedding.md says what becomes of it without script.
    names = [name for name in FRAMED if script or name != "too many"]
    away = running.website.publish("/other", "other")
    script_is_on(firefox, on=script)
    try:
        for name in names:
            address = f"{running.url}/f/{ERRORS[name][0]}"
            for frame, opened in (("", address), ("iframe", host_of(running, name))):
                firefox.enter(None)
                firefox.tell("WebDriver:Navigate", url=opened)
                firefox.enter(frame or None)
                expected = fail_in_firefox(firefox, running, name)
                before = list(running.posts)
                firefox.enter(None)
                firefox.tell("WebDriver:Navigate", url=away)
                firefox.tell("WebDriver:Back")
                firefox.enter(frame or None)
                for field, text in expected.items():
                    firefox.wait(partial(shows, firefox, field, text))
                assert running.posts == before
    finally:
        firefox.enter(None)
        script_is_on(firefox, on=True)
