"""Fixtures: the real server in front of a simulated portal, and a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from checker import Checker
from firefox import Firefox
from hosting import Site, hosting
from playwright.sync_api import Browser, Page, expect
from serving import Server, serve_forms
from states import calm
from support import TOKEN
from words import PATIENCE_MS, speak

from webapp.demo import Simulator
from webapp.forms import definitions

BUILT_IN = Path(definitions.__file__).with_name("forms.toml")

# A form with everything that an embedded one may have.
EMBEDDED = """
[forms.event]
title = "ثبت‌نام در همایش"
access = "public"
intro = "جای خود را در همایش نگه دارید."
fields = ["FName", "LName", "Mobile", "GenderType", "Email", "AddressText", "BornDate", "Labels"]
label_choices = ["کارگاه صبح", "کارگاه عصر"]
consent = "با دریافت پیامک موافقم."
embed_origins = ["http://localhost:1"]
accent = "#7a1f5c"
redirect = "http://localhost:1/thanks"
from_url = { utm_source = "CustomText5" }
"""

# A form that verifies numbers.
VERIFYING = """
[forms.club]
title = "باشگاه مشتریان"
access = "public"
fields = ["FName", "Mobile"]
embed_origins = ["http://localhost:1"]
verify = "sms"
"""

# A form that asks about known numbers.
ASKING = """
[forms.asking]
title = "ثبت با پرسش"
access = "intranet"
fields = "all"
duplicates = "ask"
"""


@pytest.fixture(scope="session", autouse=True)
def _readable_failures() -> Iterator[None]:
    """Let tests that cannot go on say why."""
    with pytest.MonkeyPatch.context() as patch:
        speak(patch)
        expect.set_options(timeout=PATIENCE_MS)
        yield


@pytest.fixture(scope="session")
def shared_portal() -> Iterator[Simulator]:
    """Run a simulated portal for the shared server."""
    with Simulator(token=TOKEN) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """Return the portal of the module's server, as new; see `server`."""
    if hasattr(request.module, "FORMS"):
        with Simulator(token=TOKEN) as own:
            yield own
    else:
        portal: Simulator = request.getfixturevalue("shared_portal")
        portal.purge()
        yield portal


@pytest.fixture(scope="session")
def website() -> Iterator[Site]:
    """Run a website of others, which may embed forms."""
    with hosting() as running:
        yield running


@pytest.fixture(scope="session")
def shared_server(
    shared_portal: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Run the server in front of the simulator."""
    forms = BUILT_IN.read_text() + EMBEDDED + VERIFYING + ASKING
    with serve_forms(tmp_path_factory.mktemp("server"), forms, shared_portal.url) as started:
        yield started


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest,
    running: Simulator,
    website: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """Return the shared server; a module with `FORMS` has its own, with these for the website."""
    if forms := getattr(request.module, "FORMS", ""):
        forms = forms.replace("HOST", website.origin)
        with serve_forms(tmp_path_factory.mktemp("server"), forms, running.url) as started:
            yield started
    else:
        yield request.getfixturevalue("shared_server")


@pytest.fixture(scope="session")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    """Run the Nu checker."""
    running = Checker(tmp_path_factory.mktemp("checker"))
    yield running
    running.close()


@pytest.fixture
def tab(browser: Browser, server: Server, running: Simulator) -> Iterator[Page]:
    """Open an empty tab for the server's pages, once it is calm; no script may fail in it."""
    running.mood = None
    with browser.new_context(base_url=server.url, locale="fa-IR") as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        calm(page)
        yield page
        assert not faults, f"errors in the scripts of the page: {faults}"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Run Debian's Firefox."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.fail("These tests need Firefox: `make nightly` installs Debian's `firefox-esr`.")
    running = Firefox(program, tmp_path_factory.mktemp("firefox"))
    yield running
    running.close()
