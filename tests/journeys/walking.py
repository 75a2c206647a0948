"""What people walk through: an installation with its portal and a website, and their steps."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from hosting import Site
from playwright.sync_api import Frame, FrameLocator, Locator, Page
from serving import Server, hurried, serve
from support import SECRET, TOKEN

from webapp.demo import Simulator

PATIENCE_S = 60  # until something that must happen has failed to, on a busy machine
PHONE = {"width": 360, "height": 640}
ANSWER = "[data-outcome]"


class Installation:
    """A server behind one address, however often it is stopped, killed and started again.

    Attributes:
        portal: The portal behind it.
        website: A website of others, which may show its forms: HOST in `forms`.
        database: The file of its outbox.
        server: The server, while it runs.
    """

    server: Server

    def __init__(
        self, folder: Path, portal: Simulator, website: Site, forms: str, **environ: str
    ) -> None:
        """Describe it; `start` serves.

        Args:
            folder: Where everything of it lies.
            portal: The portal behind it.
            website: A website that may show its forms.
            forms: Its forms, in TOML.
            environ: Further settings.
        """
        self.portal, self.website = portal, website
        self._folder, self._stack = folder, contextlib.ExitStack()
        self.database = folder / "state" / "outbox.sqlite3"
        self._clock, self._command = folder / "moved-by", hurried(folder)
        (folder / "forms.toml").write_text(forms.replace("HOST", website.origin))
        self.move_clock(0)
        self._environ = {
            "AMOOT_TOKEN": TOKEN,
            "AMOOT_URL": portal.url,
            "AMOOT_SETTLE": "0",
            "SECRET_KEY": SECRET,
            "FORMS_FILE": str(folder / "forms.toml"),
            "STATE_DIRECTORY": str(folder / "state"),
            "WEB_CONCURRENCY": "1",
            "MOVED_BY": str(self._clock),
            **environ,
        }

    @property
    def url(self) -> str:
        """Its address."""
        return self.server.url

    def start(self, **changes: str) -> None:
        """Start it, with some settings changed."""
        self._environ |= changes
        self.server = self._stack.enter_context(
            serve(self._folder, command=self._command, **self._environ)
        )
        self._environ["BIND"] = self.server.url.removeprefix("http://")

    def stop(self) -> None:
        """Stop it as an update does; what is under way ends first."""
        self._stack.close()

    def kill(self) -> None:
        """Kill it as a machine without power does."""
        parent = self.server.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for process in (parent, *map(int, children)):
            os.kill(process, signal.SIGKILL)
        self._stack.close()

    def start_worker(self) -> None:
        """Start a process that only delivers, beside the server; it stops with the server."""
        home = {"PATH": os.environ["PATH"], "HOME": str(self._folder)}
        log = self._stack.enter_context((self._folder / "worker.log").open("wb"))
        worker = self._stack.enter_context(
            subprocess.Popen([self._command, "deliver"], env=home | self._environ, stderr=log)
        )
        self._stack.callback(worker.terminate)
        files = Path(f"/proc/{worker.pid}/fd")
        until(
            "the second worker has opened the database",
            lambda: any(_target(file).endswith("outbox.sqlite3") for file in files.iterdir()),
        )

    def move_clock(self, seconds: float) -> None:
        """Have limits, tokens and the database see a time so much later than it is."""
        self._clock.write_text(str(seconds))

    def states(self) -> list[tuple[str, ...]]:
        """Return each submission's state and status, the oldest first."""
        return self._select("SELECT state, status FROM outbox ORDER BY id")

    def is_paused(self) -> bool:
        """Return whether the queue is paused."""
        return bool(self._select("SELECT id FROM breaker"))

    def _select(self, statement: str) -> list[tuple[str, ...]]:
        address = f"file:{self.database}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            return database.execute(statement).fetchall()

    def attempts(self, mobile: str) -> int:
        """Return how often a contact with this number was sent, as the portal saw it."""
        calls = (it for it in self.portal.requests if it.path.endswith("ContactCreate"))
        return sum(("Mobile", mobile) in it.pairs for it in calls)

    def received(self) -> list[str]:
        """Return the names of the contacts that the portal has, sorted."""
        return sorted(contact["FName"] for contact in self.portal.contacts)

    def wait_until_delivered(self) -> None:
        """Wait until nothing is to be sent any more."""
        until(
            "everything that waits is delivered",
            lambda: {"queued", "sending"}.isdisjoint(state for state, *_ in self.states()),
        )


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed in the meantime
        return ""


def until(what: str, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; what is expected is said where it never does."""
    expires = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < expires, f"expected within {PATIENCE_S} s: {what}"
        time.sleep(0.02)


def open_entry(desk: Page, text: str) -> Locator:
    """Open the entry of a list of the outbox that has this text; return its card."""
    row = desk.locator(".listing tr", has_text=text)
    row.locator("summary").click()
    return row.locator("article")


def until_page(page: Page, address: str, selector: str, what: str) -> None:
    """Open a page again and again until it shows something."""

    def is_shown() -> bool:
        page.goto(address)
        return page.locator(selector).count() > 0

    until(what, is_shown)


def bring(page: Page, *rows: str) -> None:
    """Bring a spreadsheet of these rows, and look at its preview."""
    bring_file(page, "\n".join(["Mobile,FName", *rows]).encode())


def bring_file(page: Page, data: bytes) -> None:
    """Bring a file, and look at its preview."""
    page.goto("/import")
    page.locator("#form").select_option("contact")
    page.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": data})
    page.locator("main form button").click()
    page.locator("[data-rows-ready]").wait_for()


def send(place: Page | Frame | FrameLocator, **typed: str) -> None:
    """Fill in a form as a person does, agree to what it asks, and send it."""
    for name, value in typed.items():
        place.locator(f"#{name}").fill(value)
    consent = place.locator("#consent")
    if consent.count():
        consent.check()
    place.locator("form button[type=submit]").first.click()
