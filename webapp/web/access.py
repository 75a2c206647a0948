"""Who may open the pages for operators: networks, logins, and the host name that was asked for."""

from __future__ import annotations

import ipaddress
import logging
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flask import abort, request
from werkzeug.http import parse_list_header

from webapp.web.errors import Forwarded, UncertainHost

if TYPE_CHECKING:
    from webapp.settings import Network, Settings
    from webapp.web.basic_auth import BasicAuth

log = logging.getLogger(__name__)

_FORWARDING_HEADERS: Final = {  # as WSGI names them
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
}


def require_intranet(settings: Settings, basic_auth: BasicAuth) -> None:
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
    basic_auth.require()


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
