"""Nothing of an operator's page reaches a visitor's, whoever opens which first."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from flask import Flask

from webapp import messages
from webapp.contact import Contact
from webapp.messages import desk, imports
from webapp.outbox.rows import HONEYPOT
from webapp.statistics.funnel import FunnelStep
from webapp.web.rendering import EXTENSION

FORMS = """
[forms.main]
title = "اصلی"
access = "intranet"
fields = ["Mobile", "CityName"]

[forms.signup]
title = "عضویت"
access = "public"
fields = ["Mobile"]
embed_origins = ["https://example.ir"]
verify = "sms"
"""
ORGANISATION = "سازمان نمونه"
PUBLIC = (
    "/f/signup",
    "/f/signup?r=x",
    "/f/signup/code?s=x",
    "/embed/signup",
    "/embed/signup/done",
    "/embed/nothing",
)
_OPEN_TO_ALL = re.compile("/(static|embed|accent|f/<slug>)")
_ADDRESS = re.compile(
    r'(?:href|src|action)="(/(?:outbox|import|statistics|help|install|logo)?)["/?]'
)


class Sender(NamedTuple):
    """Who sends a request."""

    name: str
    address: str


STRANGER, OPERATOR = Sender("stranger", "8.8.8.8"), Sender("operator", "127.0.0.1")


@pytest.fixture
def make(make_app: Callable[..., Flask]) -> Callable[[], Flask]:
    """Return a factory of apps whose operators' header says as much as it can."""

    def fresh() -> Flask:
        return make_app(forms=FORMS, organisation=ORGANISATION)

    delivery = fresh().extensions[EXTENSION].delivery
    delivery.outbox.hold(Contact(Mobile="09121234567"), "a" * 64, form="main", reason=HONEYPOT)
    return fresh


def opened(app: Flask, path: str, sender: Sender) -> str:
    """Return the page that a GET leads to."""
    environ = {"REMOTE_ADDR": sender.address}
    response = app.test_client().get(path, environ_base=environ, follow_redirects=True)
    return response.data.decode(errors="replace")  # a spreadsheet, too


def operators_pages(app: Flask) -> Iterator[str]:
    """Yield the path of every page for operators, with the slug of the public form."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not _OPEN_TO_ALL.match(rule.rule):
            yield re.sub("<.*?>", "signup", rule.rule)
    yield "/f/main"


def cached(app: Flask) -> list[list[bytes]]:
    """Return the bytes of the cached pages for visitors."""
    pages = app.extensions[EXTENSION].cached_pages
    return [pages[key]._plain for key in sorted(pages) if key[0] == "signup"]  # noqa: SLF001


def traces(text: str) -> list[str]:
    """Return what a page says that is for operators only."""
    words = (messages.OUTBOX_LINK, imports.LINK, desk.HELP, desk.STATISTICS)
    return [word for word in words if word in text] + _ADDRESS.findall(text)


def test_operators_header_has_the_traces_that_are_looked_for(make: Callable[[], Flask]) -> None:
    """Else the next test would find nothing anywhere."""
    found = traces(opened(make(), "/help", OPERATOR))
    assert {imports.LINK, "/", "/outbox", "/statistics"} <= set(found)


@pytest.mark.slow
def test_visitors_page_is_the_same_whichever_operators_page_was_opened_before(
    make: Callable[[], Flask],
) -> None:
    """In a fresh app and in both orders, for strangers and operators: same bytes, no trace."""
    expected, app = {}, make()
    for public in PUBLIC:
        app.extensions[EXTENSION].cached_pages.clear()
        opened(app, public, STRANGER)
        expected[public] = cached(app)
    assert sum(map(len, expected.values())) >= 4  # "/f/…" and "/embed/…" are cached
    pages = sorted(set(operators_pages(app)))
    assert {"/", "/outbox", "/import", "/install/signup", "/help", "/statistics"} <= set(pages)
    wrong = []
    for page in pages:
        app = make()
        for public in PUBLIC:
            for order in ([page, public], [public, page, public]):
                app.extensions[EXTENSION].cached_pages.clear()
                for path in order[:-1]:
                    opened(app, path, OPERATOR)
                seen = [trace for who in (STRANGER, OPERATOR)
                        for trace in traces(opened(app, public, who))]  # fmt: skip
                if seen or any(pieces not in cached(app) for pieces in expected[public]):
                    wrong.append((*order, seen))
    assert not wrong


def test_operators_look_at_a_form_is_not_counted_as_shown(make: Callable[[], Flask]) -> None:
    """Neither the page's own look at the frame nor the preview on it; a visitor's is."""
    app = make()
    page = opened(app, "/install/signup", OPERATOR)
    (preview,) = re.findall('<iframe class="preview" src="(.*?)"', page)
    assert "<form" in opened(app, preview, OPERATOR)
    assert shown(app) == 0
    opened(app, "/embed/signup", STRANGER)
    assert shown(app) == 1


def shown(app: Flask) -> int:
    """Return how often visitors were shown a form."""
    funnel, today = app.extensions[EXTENSION].delivery.funnel, datetime.now(UTC).date()
    funnel.flush()
    day = timedelta(days=1)
    return sum(
        it.count for it in funnel.counts(today - day, today + day) if it.step is FunnelStep.SHOWN
    )
