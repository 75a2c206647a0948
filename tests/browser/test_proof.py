"""The solver in a real browser, on a small page of its own under the strict policy."""

import hashlib
import html
import random
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from webapp.web.security.proof_of_work import ProofOfWork

STATIC = Path(__file__).parents[2] / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)
PAGE = """<!doctype html><html lang="en"><title>Form</title>
<script type="module" src="/submit-button.js" data-offline="Offline"></script>
<script type="module" src="/form.js"></script>
<script type="module" src="/proof.js"></script>
<form method="post" data-proof="{challenge}" data-proof-worker="/proof-worker.js?v=1">
<input name="Mobile"><input type="hidden" name="proof" autocomplete="off">
<button type="submit" name="by" value="button" data-busy="Sending">Send</button>
</form>"""
BUTTON = "button[type=submit]"
SCRIPTS = ("/submit-button.js", "/form.js", "/proof.js", "/proof-worker.js")


class Site(ThreadingHTTPServer):
    """Shows the form and takes what is sent.

    Attributes:
        shown: How often the form was shown.
        sent: What came: fields, and whether the answer counted.
        stays: Answer a POST so that the browser stays on the page.
        worker: Set, once the worker's script may be sent.
        lacks: The address of a file that is not there.
    """

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Handler)
        used_proofs: set[str] = set()
        self.proof_of_work = ProofOfWork(
            ["key"], consume=lambda name, *_: name not in used_proofs and not used_proofs.add(name)
        )
        self.shown = 0
        self.sent: list[tuple[dict[str, str], bool]] = []
        self.stays = False
        self.worker = threading.Event()
        self.worker.set()
        self.lacks = ""

    @property
    def url(self) -> str:
        """The form's address."""
        return f"http://127.0.0.1:{self.server_port}/"

    @property
    def counted(self) -> list[bool]:
        """Whether the answer counted, for each sending."""
        return [counts for _, counts in self.sent]


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Site

    def do_GET(self) -> None:
        """Send the form or a script."""
        path = urlsplit(self.path).path  # through a proxy it is a whole address
        if path == self.server.lacks:
            self._answer(HTTPStatus.NOT_FOUND)
        elif path == "/":
            self.server.shown += 1
            challenge = self.server.proof_of_work.challenge(form="f")
            self._answer(body=PAGE.format(challenge=html.escape(challenge)))
        elif path in SCRIPTS:
            if path == "/proof-worker.js":
                assert self.server.worker.wait(10)
            self._answer(kind="text/javascript", body=(STATIC / path[1:]).read_text())
        else:
            self._answer(HTTPStatus.NO_CONTENT)

    def do_POST(self) -> None:
        """Note what was sent."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = {
            name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()
        }
        self.server.sent.append(
            (fields, self.server.proof_of_work.is_solved(fields["proof"], form="f", key="k"))
        )
        status = HTTPStatus.NO_CONTENT if self.server.stays else HTTPStatus.OK
        self._answer(status, body="<!doctype html><title>Done</title>")

    def _answer(
        self, status: HTTPStatus = HTTPStatus.OK, *, kind: str = "text/html", body: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()
        if status != HTTPStatus.NO_CONTENT:
            self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    """Run the small site."""
    with Site() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.worker.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[Page]:
    """Open an empty tab; an error in a script and a breach of the policy fail the test."""
    with browser.new_context(base_url=site.url) as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        yield page
        assert [fault for fault in faults if "404" not in fault] == []


def send(tab: Page) -> None:
    """Click, and wait for the answer's page."""
    tab.locator(BUTTON).click()
    expect(tab).to_have_title("Done")


def wait_for_sent(tab: Page, site: Site, count: int) -> None:
    """Wait until so many sendings came."""
    for _ in range(3_000):
        if len(site.sent) >= count:
            break
        tab.wait_for_timeout(10)
    assert len(site.sent) == count


def test_the_answer_counts_once(tab: Page, site: Site) -> None:
    """It goes with the form as typed, button included; sent again, it is refused."""
    tab.goto("/")
    tab.locator("[name=Mobile]").fill("0912")
    send(tab)
    ((fields, counts),) = site.sent
    assert counts
    assert (fields["Mobile"], fields["by"]) == ("0912", "button")
    assert not site.proof_of_work.is_solved(fields["proof"], form="f", key="k")
    assert site.shown == 1


@pytest.mark.parametrize("press", ["button", "Enter", "Control+Enter"])
def test_submission_waits_for_the_answer(tab: Page, site: Site, press: str) -> None:
    """The button says that it works; once solved, the form is sent, once."""
    site.worker.clear()
    tab.goto("/")
    button = tab.locator(BUTTON)
    for _ in range(2):
        if press == "button":
            button.click(force=True)  # else it waits until the button is enabled
        else:
            tab.locator("[name=Mobile]").press(press)
    expect(button).to_have_text("Sending")
    expect(button).to_have_attribute("aria-disabled", "true")
    tab.wait_for_timeout(200)
    assert site.sent == []
    site.worker.set()
    expect(tab).to_have_title("Done")
    assert site.counted == [True]


def test_double_click_sends_once(tab: Page, site: Site) -> None:
    """With the answer long there, the scripts agree."""
    site.stays = True
    tab.goto("/")
    tab.wait_for_timeout(500)
    tab.locator(BUTTON).dblclick()
    wait_for_sent(tab, site, 1)
    tab.locator(BUTTON).click(force=True)
    tab.wait_for_timeout(200)
    expect(tab.locator(BUTTON)).to_have_text("Sending")
    assert site.counted == [True]


def test_answer_is_not_sent_a_second_time(tab: Page, site: Site) -> None:
    """Who came back to the page or stopped its sending gets another challenge when it is sent."""
    site.stays = True
    tab.goto("/")
    for count in (1, 2):
        tab.locator(BUTTON).click()
        wait_for_sent(tab, site, count)
        tab.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        expect(tab.locator(BUTTON)).to_have_text("Send")
    assert site.counted == [True, True]
    assert site.shown == 2


def test_challenge_is_renewed_after_a_long_pause(tab: Page, site: Site) -> None:
    """What was typed stays."""
    tab.clock.install()
    tab.goto("/")
    tab.locator("[name=Mobile]").fill("0912")
    tab.clock.fast_forward("09:30")
    send(tab)
    assert site.sent[0][0]["Mobile"] == "0912"
    assert (site.counted, site.shown) == ([True], 2)


def test_form_that_waited_is_not_sent_after_its_person_left(tab: Page, site: Site) -> None:
    """After Back the button is as before, and works."""
    site.worker.clear()
    tab.goto("/")
    tab.locator(BUTTON).click()
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    site.worker.set()
    tab.wait_for_timeout(500)
    assert site.sent == []
    send(tab)
    assert site.counted == [True]


def test_form_is_sent_without_an_answer_where_the_solver_is_missing(tab: Page, site: Site) -> None:
    """The server decides what becomes of it."""
    site.lacks = "/proof-worker.js"
    tab.goto("/")
    send(tab)
    assert site.sent[0][0]["proof"] == ""


def test_form_is_sent_without_an_answer_when_it_takes_too_long(tab: Page, site: Site) -> None:
    """Nobody waits for ever."""
    site.worker.clear()
    tab.clock.install()
    tab.goto("/")
    tab.locator(BUTTON).click()
    tab.clock.run_for("00:19")
    assert site.sent == []
    tab.clock.run_for("00:02")
    expect(tab).to_have_title("Done")
    assert site.sent[0][0]["proof"] == ""


def test_it_works_without_the_other_scripts(tab: Page, site: Site) -> None:
    """No script needs another."""
    for site.lacks in ("/form.js", "/submit-button.js"):
        tab.goto("/")
        send(tab)
    assert site.counted == [True, True]


def test_it_works_over_plain_http(browser: Browser, site: Site) -> None:
    """Where the browser's own hashing is missing."""
    proxy: Any = {"server": site.url}
    with browser.new_context(proxy=proxy) as context:
        tab = context.new_page()
        tab.goto("http://form.invalid/")
        assert tab.evaluate("[isSecureContext, typeof crypto.subtle]") == [False, "undefined"]
        send(tab)
    assert site.counted == [True]


def test_hash_is_sha_256(tab: Page) -> None:
    """Known vectors, and the browser's own, for every length that fits into one block."""
    tab.goto("/")
    tab.add_script_tag(url="/proof-worker.js")
    dice = random.Random(4)  # noqa: S311 - the same bytes each time
    messages = [b"", b"abc", *(dice.randbytes(length) for length in range(56))]
    ours = tab.evaluate(
        """messages => messages.map((bytes) => {
          const block = new DataView(new ArrayBuffer(64));
          [...bytes, 128].forEach((byte, i) => block.setUint8(i, byte));
          block.setUint32(60, bytes.length * 8);
          const words = [...Array(16).keys()].map((i) => block.getInt32(i * 4));
          return sha256(words).map((w) => (w >>> 0).toString(16).padStart(8, 0)).join("");
        })""",
        [list(message) for message in messages],
    )
    theirs = tab.evaluate(
        """messages => Promise.all(messages.map(async (bytes) => {
          const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
          return [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, 0)).join("");
        }))""",
        [list(message) for message in messages],
    )
    assert ours[0] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert ours[1] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert ours == theirs == [hashlib.sha256(message).hexdigest() for message in messages]
