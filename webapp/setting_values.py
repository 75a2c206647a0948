"""Reads the values of settings from the text of environment variables.

Each function returns the value, or raises a ValueError that does not quote the text: it may be a
secret.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import requests
from limits import parse_many
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_HOST_PART: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST: Final = rf"{_HOST_PART}(?:\.{_HOST_PART})*"
_ORIGIN: Final = re.compile(rf"(https?)://{_HOST}(?::([1-9][0-9]{{0,4}}))?", re.IGNORECASE)


def parse_origin(text: str) -> str:
    """Return the origin in lower case and without its scheme's own port.

    A host in other letters than Latin is written in its ASCII form, `xn--…`: the encodings of such
    names differ where Persian has a zero width non-joiner.

    Raises:
        ValueError: if the text is not an http(s) origin, or holds anything besides.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None or int(match[2] or 0) >= 1 << 16:
        raise ValueError("not an origin")
    return match[0].lower().removesuffix(":443" if match[1].lower() == "https" else ":80")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAX_LIMIT_PERIOD_S: Final = 30 * 24 * 60 * 60
_MAX_TEXT: Final = 80
MIN_SECRET_LENGTH: Final = 32
_ZWNJ: Final = "\u200c"  # the half-space within Persian words, which Python does not call printable
# As Werkzeug writes it.
_PASSWORD_HASH: Final = re.compile(r"(?:scrypt:\d+:\d+:\d+|pbkdf2:sha\d+:\d+)\$\w+\$[0-9a-f]+")


def is_bound_to_loopback(bind: str) -> bool:
    """Return whether only this machine reaches a bind address."""
    return bind.startswith("unix:") or is_loopback(bind.rpartition(":")[0].strip("[]"))


def is_loopback(host: str | None) -> bool:
    """Return whether a host is this machine's loopback interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def read_token(text: str) -> str:
    """Read the token of the portal."""
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("must be printable ASCII without spaces")
    return text


def read_secret(text: str) -> str:
    """Read a token of our own choice: long enough not to be guessed."""
    if len(read_token(text)) < MIN_SECRET_LENGTH:
        raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters")
    return text


def _check_url(text: str, schemes: Sequence[str]) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.port != 0  # .port raises on a port that is no number
    except ValueError:
        is_url = False
    if not is_url:
        raise ValueError("is not a URL")
    if parts.scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{name}://' for name in schemes)}")
    return text


def read_portal_url(text: str) -> str:
    """Read the base URL of the portal: https, except on loopback."""
    parts = urlsplit(_check_url(text, ("https", "http")))
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a plain address: no user name, query or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must be https: the token would travel in the clear")
    try:
        requests.Request("POST", text).prepare()
    except ValueError:  # requests is stricter than urllib.parse
        raise ValueError("is not a URL") from None
    return text.rstrip("/") + "/"


def read_proxy_url(text: str) -> str:
    """Read the URL of an HTTP proxy; user name and password are percent-encoded."""
    expected = "must be http://host:port or http://user:password@host:port"
    try:
        parts = urlsplit(_check_url(text, ("http",)))
        requests.adapters.HTTPAdapter().proxy_headers(text)  # only Latin-1 in the password
    except ValueError:
        raise ValueError(expected) from None
    is_plain = parts.path in {"", "/"} and not parts.query and not parts.fragment
    if not is_plain or not parts.hostname or parts.port is None:
        raise ValueError(expected)
    return text.rstrip("/")


def read_ca_file(text: str) -> Path:
    """Read the path of a file with certificates in PEM, and check that they can be loaded."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
    except OSError:  # SSLError is one
        raise ValueError("must be the path of a file with certificates (PEM)") from None
    return Path(text).absolute()


def read_public_url(text: str) -> str:
    """Read our public origin."""
    try:
        return parse_origin(text.removesuffix("/"))
    except ValueError:
        raise ValueError(
            "must be a plain origin such as https://form.example.ir, its host in ASCII"
        ) from None


def read_database_url(text: str) -> str:
    """Read the URL of an SQLite file, or of PostgreSQL."""
    if text.startswith("postgresql") and importlib.util.find_spec("psycopg") is None:
        raise ValueError("needs the package psycopg: install amoot-contact-form[postgresql]")
    _check_url(text, ("sqlite", "postgresql+psycopg"))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # SQLAlchemy is stricter than urllib.parse
        raise ValueError("is not a URL") from None
    is_file = not url.host and ":memory:" not in (url.database or ":memory:")
    is_file = is_file and "memory" not in url.query.get("mode", "")
    if url.get_backend_name() == "sqlite" and not is_file:
        raise ValueError(
            "must name a file, such as sqlite:////var/lib/outbox.sqlite3: memory does not survive "
            "the process"
        )
    try:
        url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        raise ValueError("has an option with a wrong value") from None
    if not re.fullmatch("[0-9]{1,6}", str(url.query.get("prepare_threshold", "5"))):
        raise ValueError("must have a whole number as prepare_threshold: see DATABASE_PREPARED")
    return text


def read_redis_url(text: str) -> str:
    """Read the URL of Redis."""
    if importlib.util.find_spec("redis") is None:
        raise ValueError("needs the package redis: install amoot-contact-form[redis]")
    parts = urlsplit(_check_url(text, ("redis", "rediss", "unix")))
    if parts.scheme != "unix" and not re.fullmatch("(/[0-9]{0,4})?", parts.path):
        raise ValueError("must end with the number of a database, such as /0")
    from redis import ConnectionPool  # noqa: PLC0415  an extra

    try:
        ConnectionPool.from_url(text).make_connection()  # which connects later
    except (TypeError, ValueError):
        raise ValueError("has an option that Redis's client does not know") from None
    return text


def read_smtp_url(text: str) -> str:
    """Read the URL of a mail server."""
    parse_smtp_url(text)
    return text


def read_addresses(text: str) -> tuple[str, ...]:
    """Read addresses of mail, each once."""
    addresses = tuple(dict.fromkeys(re.split(r"[\s,]+", text.strip(" \t,"))))
    if not all(map(is_address, addresses)):
        raise ValueError(
            "must be plain addresses such as name@example.ir, separated by commas or spaces"
        )
    return addresses


def read_number(text: str, lowest: float, highest: float) -> float:
    """Read a number between these limits."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not lowest <= number <= highest:
        raise ValueError(f"must be a number from {lowest:g} to {highest:g}")
    return number


def read_whole_number(text: str, lowest: int, highest: int) -> int:
    """Read a whole number between these limits."""
    if not re.fullmatch("[0-9]{1,6}", text) or not lowest <= int(text) <= highest:
        raise ValueError(f"must be a whole number from {lowest} to {highest}")
    return int(text)


def read_choice(text: str, choices: Sequence[str]) -> str:
    """Read one of these words."""
    if text not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return text


def read_switch(text: str) -> bool:
    """Read on or off."""
    return read_choice(text, ("on", "off")) == "on"


def read_limit(text: str) -> str:
    """Read rate limits as the package limits writes them."""
    try:
        items = parse_many(text)
    except ValueError:
        items = []
    if not items or any(
        item.amount < 1 or item.get_expiry() > _MAX_LIMIT_PERIOD_S for item in items
    ):
        raise ValueError(
            "must be limits such as 60/minute;1000/hour: at least 1, in at most a month"
        )
    return text


def read_keys(text: str) -> tuple[str, ...]:
    """Read secret keys, newest first."""
    keys = tuple(text.split())
    if not keys:
        raise ValueError("must be one or more keys, newest first, separated by spaces")
    if not text.isprintable():  # bytes that are no UTF-8 come as lone surrogates
        raise ValueError("must be printable text")
    if len(keys[0]) < MIN_SECRET_LENGTH:  # an older one may be short while it is replaced
        raise ValueError(f"must begin with a key of at least {MIN_SECRET_LENGTH} characters")
    return keys


def read_networks(text: str) -> tuple[Network, ...]:
    """Read IP networks."""
    try:
        return tuple(ipaddress.ip_network(part) for part in re.split(r"[\s,]+", text.strip()))
    except ValueError:
        raise ValueError("must be networks such as 192.168.0.0/16, separated by spaces") from None


def read_users(text: str) -> Mapping[str, str]:
    """Read name:hash pairs."""
    pairs = [part.partition(":") for part in text.split()]
    if not pairs or not all(name and _PASSWORD_HASH.fullmatch(hash_) for name, _, hash_ in pairs):
        raise ValueError("must be name:hash pairs as `amoot-form hash-password` prints them")
    users = {name: hash_ for name, _, hash_ in pairs}
    if len(users) < len(pairs):
        raise ValueError("must name each user once")
    return users


def read_bind(text: str) -> str:
    """Read a host and port, or the path of a Unix socket."""
    if re.fullmatch("unix:/.+", text):
        return text
    try:
        return read_address(text)
    except ValueError:
        raise ValueError("must be host:port or unix:/path") from None


def read_address(text: str) -> str:
    """Read a host and port."""
    match = re.fullmatch(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", text, re.ASCII)
    if match is None or int(match[1]) >= 1 << 16:
        raise ValueError("must be host:port")
    return text


def read_path(text: str) -> Path:
    """Read a path."""
    if not text:
        raise ValueError("must be a path")
    return Path(text).absolute()


def read_text(text: str) -> str:
    """Read a short text on one line."""
    is_printable = text.replace(_ZWNJ, "").isprintable()
    if not text.strip() or len(text) > _MAX_TEXT or not is_printable:
        raise ValueError(f"must be a text on one line, of {_MAX_TEXT} characters at most")
    return text.strip()


def read_state_directory(text: str) -> Path:
    """Read an absolute path; systemd separates several by colons, and the first is ours."""
    path = Path(text.partition(":")[0])
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


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
        is_tls: Whether TLS begins with the connection; else by STARTTLS, if the server offers it.
        user: The login name, or None to send without a login.
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
    """Return the mail server of a URL such as `smtp://user:password@host:587?from=address`."""
    try:
        parts = urlsplit(text if _VISIBLE.fullmatch(text) else "")
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with smtp:// or smtps://")
    if not parts.hostname or port == 0 or parts.path not in ("", "/") or parts.fragment:
        raise ValueError("must name a host, perhaps a port, and no path")
    user, password = parts.username, parts.password
    if user is not None:
        user, password = unquote(user), unquote(password or "")
        if not (_PRINTABLE.fullmatch(user) and _PRINTABLE.fullmatch(password)):
            raise ValueError("must have both a user and a password, in percent-encoded ASCII")
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=user,
        password=password,
        sender=_sender(parts.query),
    )


def _sender(query: str) -> str | None:
    if not query:
        return None
    name, _, value = query.partition("=")
    if name != "from" or not is_address(unquote(value)):
        raise ValueError("may be followed by ?from=address alone, a plain address in ASCII")
    return unquote(value)
