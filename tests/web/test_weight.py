"""What a first view costs on a slow network."""

import gzip
from pathlib import Path

from flask.testing import FlaskClient
from support import Html
from tables import each

STATIC = Path(__file__).parents[2] / "static"


def weight(client: FlaskClient, path: str, *, fonts: bool = False) -> int:
    """Return the gzipped bytes of a page with its styles and scripts, and the fonts it preloads."""
    zipped = {"Accept-Encoding": "gzip"}
    page = client.get(path, headers=zipped)
    total = len(page.data)
    html = Html(gzip.decompress(page.data).decode())
    links = [link["href"] for link, _ in html.find("link", rel="stylesheet")]
    links += [link["href"] for link, _ in html.find("link", rel="preload") if fonts]
    for address in links + [script["src"] for script, _ in html.find("script")]:
        with client.get(str(address), headers=zipped) as part:
            total += len(part.data)
    return total


@each(("path", "most"), [("/", 20_000), ("/f/signup", 14_000)])
def test_first_view_is_light(client: FlaskClient, path: str, most: int) -> None:
    """HTML, styles and scripts, gzipped."""
    assert 1000 < weight(client, path) <= most


def test_first_view_with_its_fonts_is_light(client: FlaskClient) -> None:
    """Of the sign-up form; on a phone's slow network a kilobyte takes 20 ms."""
    assert weight(client, "/f/signup", fonts=True) <= 46 * 1024


def test_all_scripts_together_are_small() -> None:
    """8 KB gzipped at most, each compressed separately as browsers receive them.

    2.9 KB for operators alone, 1.3 KB on the pages of an import, 640 bytes on the page that
    takes files, and as many for frames of forms that take keys from an address.
    """
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in STATIC.glob("*.js")}
    for_operators = ("desk.js", "duplicates.js", "install.js")
    assert sum(map(sizes.pop, for_operators)) <= 3_000
    assert sizes.pop("import.js") <= 1_344
    assert sizes.pop("drop.js") <= 640
    assert sizes.pop("from-url.js") <= 640
    assert sizes.pop("code.js") <= 1_024  # only on the page that asks for a code
    assert len(sizes) == 8
    assert sum(sizes.values()) <= 8_200


@each(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("POST", "/", 422),
        ("GET", "/nowhere", 404),
        ("GET", "/static/site.css", 200),
        ("GET", "/static/form.js", 200),
    ],
)
def test_text_is_compressed_by_the_app(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    """Pages with errors too, for whoever asks; not for others."""
    with client.open(path, method=method) as plain:
        assert "Content-Encoding" not in plain.headers
        assert "Accept-Encoding" in plain.headers["Vary"]
    with client.open(path, method=method, headers={"Accept-Encoding": "br, gzip"}) as zipped:
        assert zipped.status_code == status
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in zipped.headers["Vary"]
        assert len(gzip.decompress(zipped.data)) > len(zipped.data)
    with client.open(path, method=method, headers={"Accept-Encoding": "gzip;q=0"}) as plain:
        assert "Content-Encoding" not in plain.headers


def test_compressed_file_is_not_sent_again(client: FlaskClient) -> None:
    """Its mark is weak, and matches when the browser asks whether it changed."""
    zipped = {"Accept-Encoding": "gzip"}
    with client.get("/static/site.css", headers=zipped) as first:
        mark = first.headers["ETag"]
    assert mark.startswith("W/")
    with client.get("/static/site.css", headers=zipped | {"If-None-Match": mark}) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_part_of_a_file_is_sent_as_it_is(client: FlaskClient) -> None:
    """Zipping it would make its range untrue."""
    headers = {"Accept-Encoding": "gzip", "Range": "bytes=0-1999"}
    with client.get("/static/site.css", headers=headers) as response:
        assert response.status_code == 206
        assert "Content-Encoding" not in response.headers
        assert len(response.data) == 2000


def test_short_text_stays_as_it_is(client: FlaskClient) -> None:
    """It fits into one packet anyway."""
    with client.get("/static/icon.svg", headers={"Accept-Encoding": "gzip"}) as response:
        assert "Content-Encoding" not in response.headers


def test_hashed_addresses_are_cached_for_a_year_and_others_are_not(client: FlaskClient) -> None:
    """The address changes with the content; one without its hash is asked for anew."""
    html = Html(client.get("/").text)
    addresses = [str(link["href"]) for link, _ in html.find("link")]
    assert all("?v=" in address for address in addresses)
    for address in addresses:
        with client.get(address) as response:
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for address in ("/static/site.css", "/static/site.css?v=0"):
        with client.get(address) as response:
            assert response.headers["Cache-Control"] == "no-cache"
