"""Static files with a content hash in their URL, which browsers cache for a year."""

from __future__ import annotations

import hashlib
import re
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import Response, abort, request

if TYPE_CHECKING:
    from flask import Flask

FOR_A_YEAR: Final = "max-age=31536000, immutable"
CACHE_FOR_A_YEAR: Final = f"public, {FOR_A_YEAR}"

_FONT: Final = "font.css"
_FONT_STYLES: Final = "site.css"  # the stylesheet of every page
_UNNEEDED: Final = re.compile(r"\s*/\*.*?\*/|\n\s+|(?<=[:;,{]) +| +(?=[{}])", re.DOTALL)
_URL: Final = re.compile(r'url\("([\w.-]+)"\)')


def register(app: Flask) -> None:
    """Add `asset(name)` and `has_asset(name)` to the templates, and the caching headers."""
    folder = Path(str(app.static_folder))
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    stylesheets = _stylesheets(contents)
    digests = {name: _digest(content) for name, content in (contents | stylesheets).items()}

    def asset(name: str) -> str:
        # Not url_for, which fails on the error page for an untrusted host.
        return f"{app.static_url_path}/{name}?v={digests[name]}"

    def stylesheet(name: str) -> Response:
        if (content := stylesheets.get(f"{name}.css")) is None:
            abort(HTTPStatus.NOT_FOUND)
        response = Response(content, mimetype="text/css")
        response.cache_control.no_cache = True
        response.set_etag(digests[f"{name}.css"])
        response.make_conditional(request.environ, accept_ranges=True, complete_length=len(content))
        return response

    def serve(response: Response) -> Response:
        name = request.path.removeprefix(f"{app.static_url_path}/")
        if request.endpoint in ("static", "stylesheet") and request.args.get("v") == digests.get(
            name, ""
        ):
            response.headers["Cache-Control"] = CACHE_FOR_A_YEAR
        return response

    app.jinja_env.globals.update(asset=asset, has_asset=digests.__contains__)
    app.add_url_rule(f"{app.static_url_path}/<name>.css", "stylesheet", stylesheet)
    app.after_request(serve)


def _stylesheets(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return the stylesheets as browsers get them, by name.

    They have no comment and no space without meaning, and the content hash of what they load. The
    font is part of the first one if it was built.
    """
    texts = {name: content.decode() for name, content in contents.items() if name[-4:] == ".css"}
    font = texts.pop(_FONT)
    if all(name in contents for name in _URL.findall(font)):
        texts[_FONT_STYLES] = font + texts[_FONT_STYLES]

    def hashed(found: re.Match[str]) -> str:
        return f'url("{found[1]}?v={_digest(contents[found[1]])}")'

    return {
        name: _URL.sub(hashed, _UNNEEDED.sub("", text)).encode() for name, text in texts.items()
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
