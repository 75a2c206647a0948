"""The link of a public form, its QR code and its poster."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support import Html
from tables import each

from webapp.messages import statistics as texts

FORMS = """
[forms.desk]
title = "ثبت مخاطب"
access = "intranet"
fields = ["Mobile"]

[forms.news]
title = "خبرنامه"
access = "public"
intro = "هر هفته، یک پیامک."
fields = ["Mobile"]
embed_origins = ["https://example.ir"]
from_url = { utm_source = "CustomText5" }

[forms.event]
title = "همایش"
access = "public"
fields = ["Mobile"]
from_url = { utm_source = { poster = "پوستر نمایشگاه" } }

[forms.shop]
title = "فروشگاه"
access = "public"
fields = ["Mobile"]
from_url = { branch = "CustomText5", utm_source = "CustomText6" }

[forms.branches]
title = "شعبه‌ها"
access = "public"
fields = ["Mobile"]
from_url = { branch = "CustomText5" }

[forms.plain]
title = "تماس"
access = "public"
fields = ["Mobile"]
"""
PUBLIC_URL = "https://form.example.ir"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Return an app with forms of every kind, under a public address."""
    return make_app(forms=FORMS, public_url=PUBLIC_URL)


def link(client: FlaskClient, path: str) -> str:
    """Return the link that an operator's page shows."""
    ((field, _),) = Html(client.get(path, base_url=PUBLIC_URL).text).find("input", id="form-link")
    return str(field["value"])


@each("slug", ["news", "event", "plain"])
def test_every_public_form_has_its_link_code_and_poster(client: FlaskClient, slug: str) -> None:
    """Whether it may be embedded or not."""
    assert link(client, f"/install/{slug}") == f"{PUBLIC_URL}/f/{slug}"
    html = Html(client.get(f"/install/{slug}", base_url=PUBLIC_URL).text)
    (image,) = [found["src"] for found, _ in html.find("img")]
    types = {image: "image/svg+xml"}
    types |= {f"/install/{slug}/qr.png": "image/png"}
    types |= {f"/install/{slug}/poster": "text/html; charset=utf-8"}
    links = {found["href"] for found, _ in html.find("a")}
    assert types.keys() <= links
    for address, kind in types.items():
        response = client.get(str(address), base_url=PUBLIC_URL)
        assert (response.status_code, response.content_type) == (200, kind)


@each(
    ("path", "query"),
    [
        ("/install/news?utm_source=پوستر", "?utm_source=" + quote("پوستر")),
        ("/install/news?utm_source=a%26b%3Dc%23d", "?utm_source=a%26b%3Dc%23d"),
        ("/install/news?utm_source=" + "x" * 300, ""),
        ("/install/news?utm_source=a%00b", ""),
        ("/install/event?utm_source=poster", "?utm_source=poster"),
        ("/install/event?utm_source=unlisted", ""),
        ("/install/shop?utm_source=tehran", "?utm_source=tehran"),
        ("/install/shop?branch=tehran", ""),
        ("/install/branches?branch=tehran", "?branch=tehran"),
        ("/install/plain?utm_source=x", ""),
    ],
)
def test_link_has_the_source_of_ones_choice(client: FlaskClient, path: str, query: str) -> None:
    """As far as the form takes it; the poster's address to type is short all the same."""
    slug = path.split("/")[2].split("?", maxsplit=1)[0]
    assert link(client, path) == f"{PUBLIC_URL}/f/{slug}{query}"
    poster = path.replace(slug, f"{slug}/poster", 1)
    html = Html(client.get(poster, base_url=PUBLIC_URL).text)
    assert [text for _, text in html.find("bdi", dir="ltr")] == [f"form.example.ir/f/{slug}"]
    assert [found["src"] for found, _ in html.find("img")] == [f"/install/{slug}/qr.svg{query}"]


def test_page_asks_for_a_source_or_says_how_to_have_one(client: FlaskClient) -> None:
    """A text, one of those that the form lists, or a hint."""
    pages = {
        slug: client.get(f"/install/{slug}", base_url=PUBLIC_URL).text
        for slug in ("news", "event", "branches", "plain")
    }
    assert list(Html(pages["news"]).find("input", name="utm_source"))
    assert list(Html(pages["branches"]).find("input", name="branch"))
    options = [text for _, text in Html(pages["event"]).find("option")]
    assert options == [texts.NO_SOURCE, "پوستر نمایشگاه"]
    assert [texts.SOURCE_MISSING in text for text in pages.values()] == [False, False, False, True]


@each("path", ["qr.svg", "qr.png", "poster"])
def test_link_is_for_operators_and_public_forms(client: FlaskClient, path: str) -> None:
    """Other pages do not mention it."""
    stranger = {"REMOTE_ADDR": "203.0.113.5"}
    address = f"/install/news/{path}"
    assert client.get(address, base_url=PUBLIC_URL, environ_base=stranger).status_code == 403
    assert client.get(f"/install/desk/{path}", base_url=PUBLIC_URL).status_code == 404
    assert client.get(f"/install/nothing/{path}", base_url=PUBLIC_URL).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", "?utm_source=" + quote("پوستر نمایشگاه", safe="")])
def test_code_is_read_as_exactly_the_link(client: FlaskClient, tmp_path: Path, query: str) -> None:
    """By a decoder that shares no code with the encoder."""
    if not shutil.which("zbarimg"):
        pytest.fail("zbarimg is missing: install Debian's package zbar-tools.")
    image = tmp_path / "code.png"
    image.write_bytes(client.get(f"/install/news/qr.png{query}", base_url=PUBLIC_URL).data)
    command = ["zbarimg", "--quiet", "--raw", "--nodbus", str(image)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == link(client, f"/install/news{query}")
