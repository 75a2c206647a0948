"""Fixtures: one installation for most journeys, and people's browsers."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hosting import Site, hosting
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support import TOKEN
from walking import PATIENCE_S, Installation, until
from words import PATIENCE_MS

from webapp.demo import Simulator
from webapp.persian import IRAN, jalali_slashes

# One form a journey, so that each has its own numbers in the statistics.
FORMS = """
[forms.contact]
title = "ثبت مخاطب"
access = "intranet"
fields = "all"

[forms.asking]
title = "ثبت با پرسش"
access = "intranet"
fields = ["Mobile", "FName", "Email"]
duplicates = "ask"

[forms.digits]
title = "ثبت شماره"
access = "intranet"
fields = ["Mobile"]

[forms.event]
title = "ثبت‌نام در همایش"
access = "public"
fields = ["FName", "Mobile"]
consent = "با دریافت پیامک موافقم."
embed_origins = ["HOST"]
from_url = { utm_source = "CustomText5" }

[forms.club]
title = "باشگاه مشتریان"
access = "public"
fields = ["FName", "Mobile"]
embed_origins = ["HOST"]
verify = "sms"

[forms.news]
title = "خبرنامه"
access = "public"
fields = ["FName", "Mobile"]
proof_of_work = true

[forms.number]
title = "شمارهٔ شما"
access = "public"
fields = ["Mobile"]

[forms.busy]
title = "پرکار"
access = "public"
fields = ["FName", "Mobile"]

[forms.hour]
title = "تا یک ساعت دیگر"
access = "public"
fields = ["FName", "Mobile", "AddressText"]
verify = "sms"
closes = "CLOSES"

[forms.small]
title = "کارگاه کوچک"
access = "public"
fields = ["FName", "Mobile", "Email"]
embed_origins = ["HOST"]
capacity = 1
verify = "sms"
"""


def forms() -> str:
    """Return the forms; one of them closes an hour from now."""
    closes = datetime.now(IRAN) + timedelta(hours=1)
    return FORMS.replace("CLOSES", f"{jalali_slashes(closes.date())} {closes:%H:%M}")


@pytest.fixture(scope="session")
def website() -> Iterator[Site]:
    """Run a website of others."""
    with hosting() as running:
        yield running


@pytest.fixture(scope="session")
def _shared(website: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Simulator(token=TOKEN) as portal:
        folder = tmp_path_factory.mktemp("shared")
        installation = Installation(folder, portal, website, forms(), LIMIT_MOBILE="2/hour")
        installation.start()
        yield installation
        installation.stop()


@pytest.fixture
def shared(_shared: Installation) -> Installation:
    """Return the installation that runs for all journeys; its portal is as new, its queue runs."""
    _shared.portal.purge()
    _shared.wait_until_delivered()
    until("the queue runs again", lambda: not _shared.is_paused())
    _shared.portal.purge()
    return _shared


@pytest.fixture
def own(website: Site, tmp_path: Path, portal: Simulator) -> Iterator[Callable[..., Installation]]:
    """Return a function that makes an installation for one journey, of the same forms."""
    made: list[Installation] = []

    def make(**environ: str) -> Installation:
        made.append(Installation(tmp_path, portal, website, forms(), **environ))
        return made[-1]

    yield make
    for installation in made:
        installation.stop()


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a tab of a person's own browser; no script may fail in it."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []
    expect.set_options(timeout=PATIENCE_S * 1000)

    def open_tab(**options: Any) -> Page:
        context = browser.new_context(locale="fa-IR", reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE_S * 1000)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: faults.append(str(error)))
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    expect.set_options(timeout=PATIENCE_MS)
    assert not faults
