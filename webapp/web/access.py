"""Access to operators' pages: networks, logins, and the host name of the request."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flask import abort, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized
from werkzeug.http import parse_list_header

from webapp.web.errors import Forwarded, UncertainHost

if TYPE_CHECKING:
    from webapp.observability.rare_warnings import RareWarnings
    from webapp.setting_values import Network
    from webapp.settings import Settings
    from webapp.web.basic_auth import BasicAuth

log = logging.getLogger(__name__)

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


def require_intranet(settings: Settings, basic_auth: BasicAuth, warnings: RareWarnings) -> None:
    """Allow requests from the intranet's networks, with a valid login if users are set.

    Raises:
        Forbidden: if the request comes from another network, or its sender is hidden.
        HTTPException: as `BasicAuth.require`.
    """
    if not _is_sender_known(settings.trusted_proxies):
        warnings.warning(_REASONS[settings.trusted_proxies > 0], settings.trusted_proxies)
        raise Forwarded
    address = request.remote_addr or ""
    # The peers of a Unix socket have no address, and are on this machine.
    is_local = address == "" and settings.bind.startswith("unix:")
    if not is_local and not _is_within(address, settings.intranet_networks):
        warnings.warning("refused a request from outside INTRANET_NETWORKS")
        abort(HTTPStatus.FORBIDDEN)
    basic_auth.require()


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


def require_own_host(settings: Settings) -> None:
    """Allow operators' pages only under our own host name.

    Raises:
        Forbidden: if the host name may belong to somebody else.
    """
    # With PUBLIC_URL, other hosts are refused by Flask; with users, another host has no login.
    if not (settings.public_url or settings.intranet_users or is_own_host(request.host)):
        log.warning("refused a request for a host by its name: set PUBLIC_URL to our address")
        raise UncertainHost


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


@lru_cache(maxsize=1024)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    sender = _parse_address(address)
    return sender is not None and any(sender in network for network in networks)


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
