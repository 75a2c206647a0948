"""The stylesheets: what browsers get of them, and which pages load which."""

import gzip
import re
from itertools import pairwise
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from support import Html

from webapp.forms.toml_values import contrast
from webapp.web import rendering

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
    rendering.register_assets(app)
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
        with client.get(f"/static/{address}") as response:
            assert response.headers["Cache-Control"] == rendering.CACHE_FOR_A_YEAR


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


def colours(scheme: int) -> dict[str, str]:
    """Return the colours of the light scheme, 0, or of the dark one, 1, as `#rrggbb`."""
    found: dict[str, str] = {}
    for name in ("site.css", "desk.css"):
        part = (STATIC / name).read_text().split("(prefers-color-scheme: dark)")[scheme]
        for token, value in re.findall(r"--([\w-]+): #(\w{3,6});", part):
            found.setdefault(token, f"#{value * (6 // len(value))}")
    return found


def test_every_text_colour_is_legible_where_it_stands() -> None:
    """In both schemes, 4.5 at least (WCAG 2.2, AA); borders of inputs 3 at least."""
    tones = ("ok", "info", "warn", "bad")
    pairs = {(name, ground) for name in ("ink", "quiet") for ground in ("sheet", "ground")}
    pairs |= {(name, ground) for name in tones for ground in ("sheet", f"{name}-tint")}
    pairs |= {(name, f"{tone}-tint") for name in ("ink", "quiet", "accent") for tone in tones}
    pairs |= {("accent", "sheet"), ("accent", "tint"), ("on-accent", "accent")}
    for scheme in (0, 1):
        own = colours(scheme)
        faint = {pair for pair in pairs if contrast(own[pair[0]], own[pair[1]]) < 4.5}
        assert faint == set()
        assert contrast(own["line"], own["sheet"]) >= 3


def test_colours_of_charts_differ_in_lightness() -> None:
    """They are distinguishable without their hue."""
    names = ("sent", "waits", "attend", "refused", "dropped")
    for scheme in (0, 1):
        own = colours(scheme)
        levels = sorted(contrast(own[name], "#000000") for name in names)
        assert all(lighter / darker >= 1.4 for darker, lighter in pairwise(levels))


def test_small_fonts_have_every_letter_of_our_texts() -> None:
    """No page of ours makes a browser fetch the file with the rare letters."""
    faces = (STATIC / "font.css").read_text().split("@font-face")[2:]
    ranges = [
        [int(end, 16) for end in (found[1], found[2] or found[1])]
        for found in re.finditer(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", "".join(faces))
    ]
    webapp = STATIC.parent / "webapp"
    texts = [path.read_text() for path in (webapp / "messages").glob("*.py")]
    texts += [(webapp / "contact.py").read_text(), (webapp / "forms" / "forms.toml").read_text()]
    letters = set("".join(texts)) - {"\n"}
    missing = {letter for letter in letters if not any(a <= ord(letter) <= b for a, b in ranges)}
    assert missing == set()


def test_lines_of_templates_are_short_enough_to_read() -> None:
    """At most 160 characters; long tags have one attribute a line, by `xmlattr` of a dict."""
    long = [
        f"{path.name}:{number}"
        for path in (STATIC.parent / "templates").rglob("*.html")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > 160
    ]
    assert long == []
