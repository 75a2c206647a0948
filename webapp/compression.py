"""Gzip for text, error pages included, for where no proxy in front compresses.

Flask-Compress leaves answers with an error status as they are, and a form that comes back with
errors is the largest page there is.
"""

from __future__ import annotations

import gzip
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import request

if TYPE_CHECKING:
    from flask import Flask, Response

_TEXTS: Final = {"text/html", "text/css", "text/javascript", "image/svg+xml", "application/json"}
_LEAST: Final = 500  # bytes; less fits into one packet anyway


def register(app: Flask) -> None:
    """Compress what this app answers."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    is_part = response.status_code == HTTPStatus.PARTIAL_CONTENT
    if is_part or response.mimetype not in _TEXTS:
        return response
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings.quality("gzip"):
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < _LEAST:
        return response
    response.data = gzip.compress(body, mtime=0)
    response.content_encoding = "gzip"
    etag, _ = response.get_etag()
    if etag:  # a strong one would promise the same bytes in every encoding
        response.set_etag(etag, weak=True)
    return response
