"""Requests: well-formed bodies within a size, and POSTs of our own pages alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from flask import Request, request
from werkzeug.exceptions import BadRequest, LengthRequired
from werkzeug.formparser import FormDataParser
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.forms.request_origin import own_origin
from webapp.web.errors import CrossSite

if TYPE_CHECKING:
    from typing import IO

    from flask import Flask

    from webapp.settings import Settings

log = logging.getLogger(__name__)

# Bytes. The longest contact that the fields allow takes less as multipart, which the pages send.
MAX_BODY: Final = 16 * 1024
# What is longer than that is still read up to here, so that the page can give it back to shorten.
_MAX_READ: Final = 4 * MAX_BODY

_FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class StrictFormParser(FormDataParser):
    """Werkzeug's parser, which by default empties a malformed form without a word."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:  # noqa: ANN401  Werkzeug names no public type for it
        """Parse a form.

        A percent-encoded byte that is no UTF-8 becomes U+FFFD, which the fields refuse by name.

        Raises:
            LengthRequired: if the body comes in chunks: its end could be missing unnoticed.
            BadRequest: if the body is not a form, or cannot be read as one.
        """
        if mimetype not in _FORM_TYPES:
            raise BadRequest
        if content_length is None:
            raise LengthRequired
        try:
            if mimetype == _FORM_TYPES[0]:
                return stream, self.cls(_pairs(stream.read(), content_length)), self.cls()
            return super().parse(stream, mimetype, content_length, options)
        except ValueError:
            raise BadRequest from None


def _pairs(body: bytes, content_length: int) -> list[tuple[str, str]]:
    if len(body) != content_length:
        raise ValueError("cut off on the way")
    return parse_qsl(body.decode(), keep_blank_values=True, errors="replace")


class FormRequest(Request):
    """A request whose malformed form is an error, not an empty form."""

    def make_form_data_parser(self) -> FormDataParser:
        """Return the strict parser, with Flask's limits."""
        return StrictFormParser(
            stream_factory=self._get_file_stream,
            max_form_memory_size=self.max_form_memory_size,
            max_content_length=self.max_content_length,
            max_form_parts=self.max_form_parts,
            silent=False,
            cls=self.parameter_storage_class,
        )


def register(app: Flask, settings: Settings) -> None:
    """Let an app read requests strictly, trust its proxies alone, refuse POSTs of other sites."""
    app.request_class = FormRequest
    app.config["MAX_CONTENT_LENGTH"] = _MAX_READ
    if settings.public_url:
        app.config["TRUSTED_HOSTS"] = [urlsplit(settings.public_url).hostname]
    app.config["PUBLIC_URL"] = settings.public_url
    app.before_request(_refuse_other_origins)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        # Exactly as many as there are: one too many lets a client choose its own address.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )


def _refuse_other_origins() -> None:
    """Refuse a POST that another site's page sent. Old browsers and plain HTTP say less."""
    if request.method != "POST":
        return
    own = own_origin()
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", own)
    if site != "same-origin" or origin != own:
        log.warning("refused a POST of %r from %r: its page is not at %r", site, origin, own)
        raise CrossSite
