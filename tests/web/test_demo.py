"""What demo mode shows: which number has paused the queue, and the question about a known one."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html, Page

from webapp.demo import DEMO_TOKEN, Simulator


@pytest.fixture
def demo(make_app: Callable[..., Flask]) -> Iterator[FlaskClient]:
    """Return a browser of the demo."""
    with Simulator(token=DEMO_TOKEN) as simulator:
        yield make_app(amoot_token=None, amoot_url=simulator.url).test_client()


def test_demo_shows_which_number_has_paused_the_queue(demo: FlaskClient) -> None:
    """Otherwise the next contact would wait without a visible reason."""
    assert not list(Html(demo.get("/demo").text).find("p", data_cause=""))
    page = Page(demo)
    page.send(Mobile="09990000004")
    assert page.html.outcome == "queued"
    html = Html(demo.get("/demo").text)
    assert list(html.find("div", data_pause="CreditNotEnough"))
    (cause,) = [text for found, text in html.find("p") if "data-cause" in found]
    assert "۰۹۹۹۰۰۰۰۰۰۴" in cause


def test_demo_asks_about_a_number_that_the_phonebook_has(demo: FlaskClient) -> None:
    """As `duplicates = "ask"` does."""
    for outcome in ("delivered", "duplicate"):
        page = Page(demo)
        page.send(Mobile="09121234567", FName="سارا")
        assert page.html.outcome == outcome


def test_installation_with_a_portal_has_no_page_of_the_demo(client: FlaskClient) -> None:
    """Neither what was received, nor the style guide."""
    for path in ("/demo", "/styleguide"):
        assert client.get(path).status_code == 404
