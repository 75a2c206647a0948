"""The mail server that SMTP_URL names, and the addresses of mail."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

# As HTML's <input type="email"> accepts them: names without a dot, too, as intranets have them.
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_MAX_ADDRESS_LENGTH: Final = 254  # RFC 5321
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
_PORTS: Final = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A mail server, and how to log in there.

    Attributes:
        host: Its name or IP address.
        port: Its TCP port.
        is_tls: Whether TLS begins with the connection; else by STARTTLS, if the server offers it.
        user: The login name, or None to send without a login.
        password: The password of that user.
        sender: The address in `From`, or None for the default.
    """

    host: str
    port: int
    is_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    sender: str | None = None


def is_address(text: str) -> bool:
    """Return whether a text is the plain address of a mailbox, in ASCII."""
    return len(text) <= _MAX_ADDRESS_LENGTH and _ADDRESS.fullmatch(text) is not None


def parse_smtp_url(text: str) -> MailServer:
    """Return the mail server of a URL such as `smtp://user:password@host:587?from=address`.

    Raises:
        ValueError: if the text is not such a URL. The message does not quote it.
    """
    try:
        parts = urlsplit(text if _VISIBLE.fullmatch(text) else "")
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with smtp:// or smtps://")
    if not parts.hostname or port == 0 or parts.path not in ("", "/") or parts.fragment:
        raise ValueError("must name a host, perhaps a port, and no path")
    user, password = _login(parts.username, parts.password)
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=user,
        password=password,
        sender=_sender(parts.query),
    )


def _login(user: str | None, password: str | None) -> tuple[str | None, str | None]:
    if user is None:
        return None, None
    decoded = unquote(user), unquote(password or "")
    if not all(map(_PRINTABLE.fullmatch, decoded)):
        raise ValueError("must have both a user and a password, in percent-encoded ASCII")
    return decoded


def _sender(query: str) -> str | None:
    if not query:
        return None
    name, _, value = query.partition("=")
    if name != "from" or not is_address(unquote(value)):
        raise ValueError("may be followed by ?from=address alone, a plain address in ASCII")
    return unquote(value)
