"""The operator's page about embedding: the snippet, a preview, and what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html
from tables import each

from webapp import messages
from webapp.forms.definitions_file import parse
from webapp.settings import Settings
from webapp.web.install import Facts, inspect, missing_twin

FORMS = """
[forms.news]
title = 'خبر "<نامه>"'
access = "public"
fields = ["Mobile"]
embed_origins = ["https://example.ir"]
"""


def wrong(
    *, origins: bool = True, trusted: int = 0, public: str | None = None, **facts: object
) -> set[str]:
    """Return the names of what is found wrong."""
    text = FORMS if origins else FORMS.replace('"https://example.ir"', "")
    definition = parse(text, source="x")["news"]
    seen = Facts(
        **{  # type: ignore[arg-type]
            "origin": public or "https://form.example.ir",
            "is_secure": True,
            "forwarded": trusted,
            "sets_cookie": False,
            "is_framable": True,
            **facts,
        }
    )
    found = inspect(definition, Settings(trusted_proxies=trusted, public_url=public), seen)
    assert all(finding.text in messages.FINDINGS[finding.name] for finding in found)
    return {finding.name for finding in found if not finding.is_fine}


RIGHT: dict[str, object] = {"public": "https://form.example.ir"}


@each(
    ("facts", "found"),
    [
        (RIGHT | {"trusted": 1}, set()),
        ({}, {"public-url"}),  # the address of the operator's page may not be the visitors'
        (RIGHT | {"origins": False}, {"origins"}),
        ({"public": "http://form.example.ir", "is_secure": False}, {"https"}),
        # Browsers keep a public site's page from reaching these.
        ({"public": "https://192.168.1.5"}, {"address"}),
        ({"public": "https://127.0.0.1"}, {"address"}),
        ({"public": "https://localhost"}, {"address"}),
        ({"public": "https://intranet"}, {"address"}),
        ({"public": "https://form.local"}, {"address"}),
        ({"public": "https://form.lan"}, {"address"}),
        (RIGHT | {"trusted": 1, "forwarded": 0}, {"proxy"}),
        (RIGHT | {"trusted": 1, "forwarded": 2}, {"proxy"}),
        (RIGHT | {"trusted": 2, "forwarded": 1}, {"proxy"}),
        (RIGHT | {"trusted": 1, "is_secure": False}, {"proxy"}),
        (RIGHT | {"sets_cookie": True}, {"cookies"}),  # it would be lost in a frame
        (RIGHT | {"is_framable": False}, {"frame"}),
        (RIGHT | {"is_framable": False, "origins": False}, {"origins"}),
    ],
)
def test_each_fault_of_a_set_up_is_found_and_no_other(
    facts: dict[str, Any], found: set[str]
) -> None:
    """As the operator reads them on the page about embedding."""
    assert wrong(**facts) == found


def test_site_with_and_without_www_is_distinguished() -> None:
    """Browsers take them for two; a host of its own, such as a shop's, has no such twin."""
    table = {
        "https://example.ir": "https://www.example.ir",
        "https://www.example.co.ir": "https://example.co.ir",
        "http://example.ir:8080": "http://www.example.ir:8080",
        "https://shop.example.ir": "",
        "http://localhost:8000": "",
    }
    assert {site: missing_twin(site, [site]) for site in table} == table
    assert missing_twin("https://example.ir", ["https://www.example.ir"]) == ""


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """Return a browser on the intranet."""
    forms = (
        FORMS
        + '[forms.staff]\ntitle = "آ"\naccess = "intranet"\nfields = ["Mobile"]\n'
        + FORMS.replace("news", "clear")
        + 'background = "transparent"\n'
    )
    return make_app(forms=forms, public_url="https://form.example.ir").test_client()


BASE = "https://form.example.ir"


def test_page_has_the_snippet_the_preview_and_the_findings(client: FlaskClient) -> None:
    """Two lines to paste, under the public address."""
    response = client.get("/install/news", base_url=BASE)
    html = Html(response.text)
    pasted = Html(html.text("textarea", id="snippet"))
    ((iframe, _),) = pasted.find("iframe")
    assert iframe["src"] == "https://form.example.ir/embed/news"
    assert iframe["title"] == 'خبر "<نامه>"'
    assert next(pasted.find("script"))[0]["src"] == "https://form.example.ir/embed.js"
    assert next(html.find("iframe", src="/embed/news?preview=1"))
    assert iframe["referrerpolicy"] == "origin"
    assert html.text("li", data_finding="cookies").startswith(messages.FINE)
    assert html.text("li", data_finding="frame").startswith(messages.FINE)
    assert next(html.find("span", data_twin="https://www.example.ir"))
    assert "frame-src https://form.example.ir" in html.text("textarea", id="policy")
    assert "allow-same-origin" in html.text("textarea", id="sandbox")
    assert "Set-Cookie" not in response.headers
    assert response.headers["Content-Security-Policy"].endswith("; frame-src 'self'")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


def test_page_of_a_transparent_form_says_what_a_dark_site_must_declare(client: FlaskClient) -> None:
    """Else dark text stands on the dark site; other forms have a sheet of their own."""
    pages = (client.get(f"/install/{name}", base_url=BASE).text for name in ("clear", "news"))
    assert [":root { color-scheme: dark; }" in page for page in pages] == [True, False]


def test_only_operators_see_it_and_only_for_public_forms(client: FlaskClient) -> None:
    """Visitors get 403; an operators' form has no snippet."""
    outside = {"REMOTE_ADDR": "8.8.8.8"}
    assert client.get("/install/news", base_url=BASE, environ_base=outside).status_code == 403
    assert client.get("/install/staff", base_url=BASE).status_code == 404
    assert client.get("/install/nowhere", base_url=BASE).status_code == 404
