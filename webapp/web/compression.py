"""Gzip for text responses, for servers without a compressing proxy in front.

Flask-Compress skips responses with an error status, but a form that comes back with errors is the
largest page of all.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response, request
from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from webapp.web.page_cache import CachedPage

_TEXTS: Final = {"text/html", "text/css", "text/javascript", "image/svg+xml", "application/json"}
_GZIPPED: Final = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
_MIN_BYTES: Final = 500  # fits into one packet anyway


def register(app: Flask) -> None:
    """Compress the responses of this app."""
    app.after_request(_compress)


def respond(page: CachedPage, values: Mapping[str, str]) -> Response:
    """Return a cached page with these values, compressed if the browser accepts it."""
    if not _accepts_gzip():
        return Response(page.render(values), mimetype="text/html")
    return Response(page.render_gzipped(values), mimetype="text/html", headers=_GZIPPED)


def _accepts_gzip() -> bool:
    return _parse_accepts_gzip(request.headers.get("Accept-Encoding", ""))


@lru_cache(maxsize=256)
def _parse_accepts_gzip(accepted: str) -> bool:
    return parse_accept_header(accepted).quality("gzip") > 0


def _compress(response: Response) -> Response:
    if "Content-Encoding" in response.headers:
        return response
    is_part = response.status_code == HTTPStatus.PARTIAL_CONTENT
    if is_part or response.mimetype not in _TEXTS:
        return response
    response.vary.add("Accept-Encoding")
    if not _accepts_gzip():
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < _MIN_BYTES:
        return response
    response.data = gzip.compress(body, mtime=0)
    response.content_encoding = "gzip"
    etag, _ = response.get_etag()
    if etag:  # a strong one means identical bytes in every encoding
        response.set_etag(etag, weak=True)
    return response
