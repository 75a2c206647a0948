"""The checks of a request: its origin and form; for operators' pages also network, login, host."""

from __future__ import annotations

import hmac
import io
import ipaddress
import logging
import secrets
import threading
from collections.abc import Mapping
from functools import lru_cache, partial
from http import HTTPStatus
from typing import IO, Any, Final
from urllib.parse import parse_qsl, urlsplit

from flask import Flask, Request, abort, current_app, request
from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, LengthRequired, TooManyRequests, Unauthorized
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.security import check_password_hash

from webapp import messages
from webapp.forms.definitions import FormDefinition
from webapp.observability import RareWarnings
from webapp.setting_values import Network
from webapp.settings import Settings
from webapp.web.security.rate_limits import LimitReached, RateLimits

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


_FORWARDING_HEADERS: Final = {  # as WSGI names them
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
}

_REASONS: Final = (  # without and with proxies
    "refused a forwarded request: its sender is hidden, TRUSTED_PROXIES is %d",
    "refused a page of operators: X-Forwarded-For does not name its sender, TRUSTED_PROXIES is %d",
)

_SHARED_LIMITS: Final = (
    "visitors share the limits of one network: X-Forwarded-For does not name them, "
    "TRUSTED_PROXIES is %d"
)


class Forwarded(Forbidden):
    """The request came through a proxy that the settings do not name."""

    text = messages.FORWARDED


class UncertainHost(Forbidden):
    """The host name of the request may not be ours."""

    text = messages.UNCERTAIN_HOST


class Intranet:
    """Decides whether a request is an operator's.

    Attributes:
        warnings: Where refusals are logged.
    """

    def __init__(self, settings: Settings, basic_auth: BasicAuth) -> None:
        """Allow the networks and the host of these settings."""
        self.warnings = RareWarnings(log)
        self._settings = settings
        self._basic_auth = basic_auth
        self._is_known = lru_cache(maxsize=1024)(partial(_is_within, settings.intranet_networks))

    def require(self) -> None:
        """Allow requests from the intranet's networks, with a valid login if users are set.

        Raises:
            Forbidden: if the request comes from another network, its sender is hidden, or the host
                name may belong to somebody else.
            HTTPException: as `BasicAuth.require`.
        """
        settings = self._settings
        proxies = settings.trusted_proxies
        if not _is_sender_known(proxies):
            self.warnings.warning(_REASONS[proxies > 0], proxies)
            raise Forwarded
        address = request.remote_addr or ""
        # The peers of a Unix socket have no address, and are on this machine.
        is_local = address == "" and settings.bind.startswith("unix:")
        if not is_local and not self._is_known(address):
            self.warnings.warning("refused a request from outside INTRANET_NETWORKS")
            abort(HTTPStatus.FORBIDDEN)
        self._basic_auth.require()
        # With PUBLIC_URL, Flask refuses other hosts; with users, another host has no login.
        if not (settings.public_url or settings.intranet_users or is_own_host(request.host)):
            log.warning("refused a request for a host by its name: set PUBLIC_URL to our address")
            raise UncertainHost

    def warn_of_shared_limits(self) -> None:
        """Log if no proxy names the sender of a visitor's form: all count as one."""
        if not _is_sender_known(self._settings.trusted_proxies):
            self.warnings.warning(_SHARED_LIMITS, self._settings.trusted_proxies)


def _is_sender_known(proxies: int) -> bool:
    """Return whether every trusted proxy named a sender, or there is no proxy.

    Behind a proxy, a request without the header is not taken for a direct one: nginx sets none by
    default, and a location with a header of its own inherits none.
    """
    if not proxies:
        return _FORWARDING_HEADERS.isdisjoint(request.environ)
    senders = parse_list_header(request.headers.get("X-Forwarded-For", ""))
    return len(senders) >= proxies and _parse_address(senders[-proxies]) is not None


def has_token(token: str | None, warnings: RareWarnings) -> bool:
    """Return whether the request brings this token, as `Authorization: Bearer`.

    Raises:
        Unauthorized: if it brings another one.
    """
    login = request.authorization
    if token is None or login is None or login.type != "bearer":
        return False
    if hmac.compare_digest((login.token or "").encode(), token.encode()):
        return True
    warnings.warning("refused a wrong METRICS_TOKEN")
    raise Unauthorized(www_authenticate=WWWAuthenticate("bearer"))


@lru_cache(maxsize=1024)
def is_own_host(host: str) -> bool:
    """Return whether a host is an IP address, or a name without a dot.

    Any other name may be an attacker's that resolves to our address: a page under that name could
    read ours in an operator's browser (DNS rebinding). A name without a dot, such as `phonebook`,
    is resolved by the local network.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return bool(name) and ("." not in name or bool(ipaddress.ip_address(name)))
    except ValueError:
        return False


def _is_within(networks: tuple[Network, ...], address: str) -> bool:
    sender = _parse_address(address)
    return sender is not None and any(sender in network for network in networks)


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


_MAX_CHECKS: Final = 2  # at a time: each takes a core, and 32 MB
_MAX_WAIT_S: Final = 10.0


class BasicAuth:
    """Checks logins. Accepted ones are remembered by a keyed hash: password hashes are slow."""

    def __init__(self, users: Mapping[str, str], limits: RateLimits) -> None:
        """Accept these names, with the hashes of their passwords; without any, need no login."""
        self._users = users
        self._limits = limits
        self._key = secrets.token_bytes(32)
        self._accepted: set[bytes] = set()
        self._turns = threading.BoundedSemaphore(_MAX_CHECKS)

    @property
    def operator(self) -> str | None:
        """The login name of this request, after `require`; None if no login is needed."""
        login = request.authorization if self._users else None
        return login.username if login else None

    def require(self) -> None:
        """Check the login of this request, if one is needed.

        Raises:
            Unauthorized: if a user name and password are needed.
            TooManyRequests: if too many logins from this address failed.
        """
        if not self._users:
            return
        login, address = request.authorization, request.remote_addr or ""
        if login and self._fingerprint(login) in self._accepted:
            return
        try:
            if login is None:
                self._limits.check_login(address=address)
            elif self._check_in_turn(login, address):
                return
        except LimitReached as reached:
            raise TooManyRequests(retry_after=reached.retry_after) from None
        if login:
            # Unknown names are not logged: one may be a password in the wrong field.
            name = login.username if login.username in self._users else "an unknown name"
            log.warning("a login failed: %s", name)
        raise Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "amoot-form"}))

    def _check_in_turn(self, login: Authorization, address: str) -> bool:
        """Return whether a login is correct; at most two are checked at a time.

        It is counted first, in its turn, and given back if it is correct: any number of wrong ones
        at once stay within the limit, and of a browser with many pages one check suffices.

        Raises:
            LimitReached: if too many logins failed.
            TooManyRequests: if it waited in vain.
        """
        if not self._turns.acquire(timeout=_MAX_WAIT_S):
            raise TooManyRequests(retry_after=1)
        try:
            fingerprint = self._fingerprint(login)
            if fingerprint in self._accepted:
                return True
            self._limits.count_login(address=address, name=login.username or "")
            if not self._is_correct(login):
                return False
            self._limits.give_back_login(address=address, name=login.username or "")
            self._accepted.add(fingerprint)
            return True
        finally:
            self._turns.release()

    def _is_correct(self, login: Authorization) -> bool:
        # Checked for unknown names as well, so that they take as long.
        hash_ = self._users.get(login.username or "", next(iter(self._users.values())))
        return check_password_hash(hash_, login.password or "") and login.username in self._users

    def _fingerprint(self, login: Authorization) -> bytes:
        text = repr((login.username, login.password))
        return hmac.digest(self._key, text.encode(), "sha256")
