"""The request: its origin, its site, its session; well-formed forms, from our own pages only."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from functools import partial
from typing import IO, Any, Final
from urllib.parse import parse_qsl, urlsplit

from flask import Flask, Request, current_app, request
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from werkzeug.exceptions import BadRequest, Forbidden, LengthRequired
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import messages
from webapp.forms.definitions import FormDefinition
from webapp.forms.tokens import Signer
from webapp.observability import RareWarnings
from webapp.settings import Settings

log = logging.getLogger(__name__)

# Only a valid contact may be longer: URL-encoded, a Persian letter takes six bytes.
MAX_BODY_BYTES: Final = 16 * 1024
# A longer body is read up to this size, so that the page can show it again for shortening.
_MAX_READ_BYTES: Final = 4 * MAX_BODY_BYTES

_TRUSTED_HEADERS: Final = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")

_FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def own_origin() -> str:
    """Return our origin: that of PUBLIC_URL or, without it, of the current request."""
    return current_app.config["PUBLIC_URL"] or f"{request.scheme}://{request.host}"


def embedded_form(definitions: Mapping[str, FormDefinition], path: str) -> FormDefinition | None:
    """Return the embedded form of a request's path.

    By path, not by view: error pages are shown in the iframe as well.
    """
    prefix, _, rest = path.lstrip("/").partition("/")
    return definitions.get(rest.partition("/")[0]) if prefix == "embed" else None


def showing_site(definition: FormDefinition) -> str:
    """Return the origin of the site that shows the form: ours, or the one that embeds it.

    The referrer of an embedded page is its host page; later pages have the origin in their query.
    """
    if not request.path.startswith("/embed/"):
        return own_origin()
    origin = request.args.get("site") or "/".join((request.referrer or "").split("/")[:3])
    return origin if origin in definition.embed_origins else messages.UNKNOWN_SITE


class CrossSite(Forbidden):
    """The request came from another site's page."""

    text = messages.CROSS_SITE


class StrictFormParser(FormDataParser):
    """Werkzeug's parser, but strict: by default it silently returns an empty form on errors."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:  # noqa: ANN401  Werkzeug names no public type for it
        """Parse a form.

        An invalid UTF-8 byte becomes U+FFFD, which the fields reject.

        Raises:
            LengthRequired: if the body is chunked: a missing end would not be noticed.
            BadRequest: if the body is not a well-formed form.
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
        raise ValueError("the body is truncated")
    return parse_qsl(body.decode(), keep_blank_values=True, errors="replace")


class FormRequest(Request):
    """A request that rejects malformed forms.

    Attributes:
        is_operators_page: Whether its sender may see operators' pages, and asked for one.
    """

    is_operators_page = False

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        """Keep an uploaded file in memory: it may hold personal data."""
        del total_content_length, content_type, filename, content_length
        return io.BytesIO()

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
    """Check the requests of an app, and trust the forwarding headers of its own proxies."""
    app.request_class = FormRequest
    app.config["MAX_CONTENT_LENGTH"] = _MAX_READ_BYTES
    if settings.public_url:
        app.config["TRUSTED_HOSTS"] = [urlsplit(settings.public_url).hostname]
    app.config["PUBLIC_URL"] = settings.public_url
    if settings.trusted_proxies:
        app.before_request(_refuse_unparsable_headers)
        count = settings.trusted_proxies
        # The exact number: with one more, a client could choose its own address.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )
    app.before_request(partial(_refuse_other_origins, RareWarnings(log)))


def _refuse_unparsable_headers() -> None:
    """Refuse forwarding headers that cannot be parsed, such as an unclosed quote.

    ProxyFix would ignore them, and the proxy would pass for the sender.
    """
    for name in _TRUSTED_HEADERS:
        value = request.headers.get(name, "")
        if value.strip(" \t,") and not parse_list_header(value):
            raise BadRequest


def _refuse_other_origins(warnings: RareWarnings) -> None:
    """Refuse a POST from another site's page. Without its headers, the form token protects."""
    if request.method != "POST":
        return
    own = own_origin()
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", own)
    if site != "same-origin" or origin != own:
        text = "refused a POST of %.100r from %.100r: its page is not at %.100r"
        warnings.warning(text, site, origin, own, chosen_by_sender=True)
        raise CrossSite


class Sessions(SecureCookieSessionInterface):
    """Sessions that another machine may have signed.

    Else the receipt of a contact, which one machine puts into the session, would not be shown by
    another one whose clock is a second behind.
    """

    def __init__(self, app: Flask) -> None:
        """Build what signs and reads the cookie, which Flask does twice in a request."""
        self._serializer = super().get_signing_serializer(app)
        if self._serializer:
            self._serializer.signer = Signer

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs and reads the cookie of the app."""
        del app
        return self._serializer
