"""What stands between the network and the views: headers, origins, networks, well-formed bodies."""

from __future__ import annotations

import ipaddress
import logging
from functools import cache, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from flask import Request, abort, request
from werkzeug.exceptions import BadRequest, LengthRequired
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.forms.request_origin import framed, own_origin
from webapp.web.errors import CrossSite, Forwarded, UncertainHost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import IO
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

    from webapp.forms.definitions import FormDefinition
    from webapp.settings import Network, Settings
    from webapp.web.basic_auth import Logins

log = logging.getLogger(__name__)

# Bytes. The longest contact that the fields allow takes less as multipart, which the pages send.
MAX_BODY: Final = 16 * 1024
# What is longer than that is still read up to here, so that the page can give it back to shorten.
_MAX_READ: Final = 4 * MAX_BODY

_FORM_TYPES: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_FORWARDING_HEADERS: Final = {  # as WSGI names them
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
}

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)
_NOBODY: Final = "'none'"
_EMBEDDED: Final = "embed"  # the frames' pages, and the script that other sites load
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # no-referrer would make a POST's Origin null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


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


def protect(app: Flask, settings: Settings, definitions: Mapping[str, FormDefinition]) -> None:
    """Put the guard in front of an app with these forms."""
    app.request_class = FormRequest
    app.config["MAX_CONTENT_LENGTH"] = _MAX_READ
    if settings.public_url:
        app.config["TRUSTED_HOSTS"] = [urlsplit(settings.public_url).hostname]
    app.config["PUBLIC_URL"] = settings.public_url
    app.before_request(_refuse_other_origins)
    app.wsgi_app = _Headed(app.wsgi_app, definitions)  # type: ignore[method-assign]
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


class _Headed:
    """The app, each of whose answers has the headers of its address.

    Around Flask: adding them one by one to its response would take a tenth of a page's time.
    """

    def __init__(self, app: WSGIApplication, definitions: Mapping[str, FormDefinition]) -> None:
        self._app = app
        self._definitions = definitions

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        definition = framed(self._definitions, path)
        origins = definition.embed_origins if definition else ()
        ours = _headers(
            origins,
            is_embedded=path.lstrip("/").startswith(_EMBEDDED),
            is_secure=environ["wsgi.url_scheme"] == "https",
        )

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401
            return start_response(status, [*_completed(headers, _policy(origins)), *ours], *error)

        return self._app(environ, start)


def _completed(headers: list[tuple[str, str]], policy: str) -> Iterator[tuple[str, str]]:
    """Add to a page's own headers those of which it may have said something itself."""
    is_cacheable = False
    for name, value in headers:
        if name == "Content-Security-Policy":
            policy = f"{policy}; {value}"
        else:
            is_cacheable = is_cacheable or name == "Cache-Control"
            yield name, value
    yield "Content-Security-Policy", policy
    if not is_cacheable:
        yield "Cache-Control", "no-store"


@cache
def _headers(
    origins: tuple[str, ...], *, is_embedded: bool, is_secure: bool
) -> tuple[tuple[str, str], ...]:
    """Return what the answers of an address have in common."""
    headers = dict(_HEADERS)
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_embedded else "same-origin"
    if not origins:
        headers["X-Frame-Options"] = "DENY"
    if is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return tuple(headers.items())


@cache
def _policy(origins: tuple[str, ...]) -> str:
    """Return the policy of a page that these sites may show in a frame."""
    ancestors = " ".join((*origins, "'self'")) if origins else _NOBODY  # ourselves: the preview
    return f"{_POLICY}; frame-ancestors {ancestors}"


def require_intranet(settings: Settings, logins: Logins) -> None:
    """Let only known networks, and known users if any are set, go on.

    Raises:
        Forbidden: if the request comes from elsewhere, or hides where it comes from.
        HTTPException: as `Logins.require`.
    """
    if not _is_sender_known(settings.trusted_proxies):
        count = settings.trusted_proxies
        log.warning(
            "refused a forwarded request: its sender is hidden, TRUSTED_PROXIES is %d", count
        )
        raise Forwarded
    address = request.remote_addr or ""
    # A Unix socket has no address: its peers are on this machine.
    is_local = address == "" and settings.bind.startswith("unix:")
    if not is_local and not _is_within(address, settings.intranet_networks):
        log.warning("refused a request from outside INTRANET_NETWORKS")
        abort(HTTPStatus.FORBIDDEN)
    logins.require()


def _is_sender_known(proxies: int) -> bool:
    """Tell whether each of so many proxies says whom it asks for, or none stands in between."""
    if _FORWARDING_HEADERS.isdisjoint(request.environ):
        return True
    senders = parse_list_header(request.headers.get("X-Forwarded-For", ""))
    return 0 < proxies <= len(senders)


def require_own_host(settings: Settings) -> None:
    """Let a page that shows what others typed open under a name of ours alone.

    Raises:
        Forbidden: if the name may be a stranger's.
    """
    # Where PUBLIC_URL is set, other hosts are refused before; where users are, a stranger's name
    # has no login.
    if not (settings.public_url or settings.intranet_users or is_certain(request.host)):
        log.warning("refused a request for a host by its name: set PUBLIC_URL to our address")
        raise UncertainHost


@lru_cache(maxsize=1024)
def is_certain(host: str) -> bool:
    """Tell whether a host is an address, or a name without a dot.

    Any site can let a name of its own lead to us, and its page then reads ours in the browser of an
    operator who visits it (DNS rebinding). An address leads where it says, and a name such as
    `phonebook` is one that the network around gives.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return bool(name) and ("." not in name or bool(ipaddress.ip_address(name)))
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        sender = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(sender, "ipv4_mapped", None)
    return any((mapped or sender) in network for network in networks)
