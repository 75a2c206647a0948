"""Empty forms: what is rendered once is what would be rendered every time."""

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from support import Html, Page
from tables import each

from webapp.forms.tokens import Receipt
from webapp.outbox.circuit_breaker import Pause
from webapp.web import contact
from webapp.web.rendering import EXTENSION, require_intranet
from webapp.web.rendering.content import CachedPage, placeholders

FORMS = """
[forms.main]
title = "اصلی"
access = "intranet"
fields = "all"
free_labels = true

[forms.proven]
title = "با بررسی"
access = "public"
fields = ["FName", "Mobile", "BornDate"]
proof_of_work = true
embed_origins = ["https://example.ir"]
accent = "#7a1f5c"
"""
TOKEN = re.compile(r'(name="csrf_token"[^>]*value=")[^"]+')
CHALLENGE = re.compile(r'(data-proof=")[^"]+')


@given(
    pieces=st.lists(st.text(), min_size=2, max_size=4),
    value=st.text(max_size=300),
    times=st.sampled_from((0, 1, 300)),
)
def test_rendered_page_is_whole_in_both_encodings(
    pieces: list[str], value: str, times: int
) -> None:
    """With any text around the values and in them, of any length."""
    texts = placeholders(*(f"value{number}" for number in range(len(pieces) - 1)))
    html = pieces[0] + "".join(map("".join, zip(texts.values(), pieces[1:], strict=True)))
    page = CachedPage(html, texts)
    values = {name: name + value * times for name in texts}
    expected = pieces[0] + "".join(map("".join, zip(values.values(), pieces[1:], strict=True)))
    assert page.render(values) == expected.encode()
    assert gzip.decompress(page.render_gzipped(values)) == expected.encode()


@each("html", ["", "{0}{0}", "{1}"])
def test_placeholder_that_does_not_occur_once_is_refused(html: str) -> None:
    """A page that swallows the token, or shows it twice, is a fault of its template."""
    own, other = placeholders("token"), placeholders("token")
    with pytest.raises(ValueError, match="once"):
        CachedPage(html.format(own["token"], other["token"]), own)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Return an app with forms of both kinds."""
    return make_app(forms=FORMS)


@pytest.mark.parametrize("path", ["/", "/f/proven", "/embed/proven"])
def test_cached_page_is_the_page_that_the_template_makes(
    app: Flask, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for its token and challenge, which differ every time."""
    client = app.test_client()
    first, second = (client.get(path).text for _ in range(2))
    assert first != second
    assert len(app.extensions[EXTENSION].cached_pages) == 1

    def anonymous(page: str) -> str:
        return CHALLENGE.sub(r"\1", TOKEN.sub(r"\1", page))

    assert anonymous(first) == anonymous(second)
    monkeypatch.setattr("webapp.web.contact.new_form", None)
    # A form that came back unchanged, for want of a token, has the same fields.
    sent = client.post(path, data=Html(first).values | {"csrf_token": ["x"], "Mobile": [""]})
    names = [attributes.get("name") for attributes, _ in Html(first).find("input")]
    assert [attributes.get("name") for attributes, _ in Html(sent.text).find("input")] == names


@each("path", ["/", "/f/proven", "/embed/proven"])
def test_cached_page_is_compressed_for_clients_that_accept_it(app: Flask, path: str) -> None:
    """And caches must keep both apart."""
    client = app.test_client()
    packed = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    plain = client.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert abs(len(gzip.decompress(packed.data)) - len(plain.data)) < 50  # of random texts
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) * 0.7


def test_cached_page_says_under_which_address_it_is_read(client: FlaskClient) -> None:
    """Its frame's script gets our own origin."""
    for host in ("one.example", "two.example"):
        page = Html(client.get("/embed/proven", base_url=f"http://{host}").text)
        ((body, _),) = page.find("body")
        assert f"http://{host}" in str(body["data-origins"])


@pytest.mark.slow
def test_hosts_of_robots_do_not_fill_the_memory(app: Flask) -> None:
    """More than a hundred cached pages are not needed."""
    client = app.test_client()
    for number in range(120):
        assert client.get("/embed/proven", base_url=f"http://h{number}.example").status_code == 200
    assert len(app.extensions[EXTENSION].cached_pages) <= 100


def test_cached_page_can_be_sent(app: Flask) -> None:
    """Its token is a real one."""
    assert Page(app.test_client()).send(Mobile="09121234567").status_code == 200


NOW = datetime(2026, 11, 27, tzinfo=UTC)
HOSTILE = "\"><script>alert(1)</script>&amp;{{ 7*7 }}'`\u2028"


@each("pause", [None, Pause(HOSTILE, refused=True, since=NOW, probe_at=NOW, read_at=NOW)])
@each("result", [None, "delivered", "queued"])
@each("kept", [None, {"keep": True, "CityName": HOSTILE, "Labels": [HOSTILE]}])
def test_cached_page_with_notices_is_what_jinja_renders_at_once(
    app: Flask, pause: Pause | None, result: str | None, kept: dict[str, object] | None
) -> None:
    """Byte by byte, for each outcome, status and set of kept values."""
    receipt = result and Receipt(result=result, reference=HOSTILE, site="", status=HOSTILE)
    services = app.extensions[EXTENSION]
    definition = services.definitions["main"]
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        require_intranet()
        cached = contact.new_form(definition, kept=kept, receipt=receipt or None, pause=pause)
        form = services.forms["main"](data=kept)
        rendered = contact.page(form, receipt=receipt or None, pause=pause)
    shown = cached.get_data(as_text=True)
    assert TOKEN.sub(r"\1", shown) == TOKEN.sub(r"\1", rendered)
    assert "<script>alert" not in shown
    assert (HOSTILE in unescape(shown)) == bool(pause or receipt or kept)
