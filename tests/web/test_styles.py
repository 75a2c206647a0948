"""The stylesheets: what browsers get of them, and which pages load which."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from support import Html

from webapp.web import assets

if TYPE_CHECKING:
    from flask.testing import FlaskClient

STATIC = Path(__file__).parents[2] / "static"
FONTS = ("vazirmatn-rare.woff2", "vazirmatn-persian.woff2", "vazirmatn-latin.woff2")


def styles(client: FlaskClient, path: str) -> list[str]:
    """Return the stylesheets of a page, without their hashes."""
    links = Html(client.get(path).text).find("link", rel="stylesheet")
    return [str(link["href"]).partition("?")[0] for link, _ in links]


def test_visitors_load_neither_operators_styles_nor_operators_a_forms_colour(
    client: FlaskClient,
) -> None:
    """The built-in sign-up form has a colour of its own; its pages for operators have none."""
    site, desk = "/static/site.css", "/static/desk.css"
    visitors = [site, "/accent/signup.css"]
    assert {path: styles(client, path) for path in ("/f/signup", "/", "/install/signup")} == {
        "/f/signup": visitors,
        "/": [site, desk],
        "/install/signup": [site, desk],
    }


def app_with(tmp_path: Path, *fonts: str) -> FlaskClient:
    """Make an app that serves our stylesheets, and these files in place of the font's."""
    for path in STATIC.glob("*.css"):
        (tmp_path / path.name).write_text(path.read_text())
    for name in fonts:
        (tmp_path / name).write_bytes(name.encode())
    app = Flask(__name__, static_folder=tmp_path, static_url_path="/static")
    assets.register(app)
    return app.test_client()


def test_stylesheet_of_every_page_is_small_and_has_the_font(tmp_path: Path) -> None:
    """Gzipped, 2.7 KB at most, font included; no comments; each font's address has its hash."""
    client = app_with(tmp_path, *FONTS)
    css = client.get("/static/site.css").text
    assert len(gzip.compress(css.encode())) <= 2.7 * 1024
    assert "/*" not in css
    addresses = re.findall(r'url\("(.+?)"\)', css)
    assert [address.partition("?v=")[0] for address in addresses] == [*FONTS]
    for address in addresses:
        response = client.get(f"/static/{address}")
        assert response.headers["Cache-Control"] == assets.CACHE_FOR_A_YEAR


def test_stylesheet_names_no_font_that_was_not_built(tmp_path: Path) -> None:
    """Where npm is missing, every page would ask for it in vain."""
    client = app_with(tmp_path, *FONTS[1:])
    assert "@font-face" not in client.get("/static/site.css").text
    assert client.get("/static/font.css").status_code == 404


def test_link_in_a_messenger_has_a_title_and_a_description(client: FlaskClient) -> None:
    """Of a visitors' form; a frame needs none."""
    html = Html(client.get("/f/signup").text)
    ((described, _),) = html.find("meta", name="description")
    ((titled, _),) = html.find("meta", property="og:title")
    assert described["content"].startswith("برای دریافت خبرها")
    assert titled["content"] == "عضویت در خبرنامه"
