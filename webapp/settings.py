"""The settings, read once from the environment. Every fault is named in one message."""

from __future__ import annotations

import dataclasses
import importlib.util
import ipaddress
import os
import re
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import platformdirs
import requests
from limits import parse_many

from webapp.origins import parse_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTAL_URL: Final = "https://portal.amootsms.com/rest/"

# Loopback, RFC 1918, RFC 3927, RFC 4193 and RFC 4291's link-local addresses.
PRIVATE_NETWORKS: Final[tuple[Network, ...]] = tuple(
    map(
        ipaddress.ip_network,
        (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)

_MONTH: Final = 30 * 24 * 60 * 60  # seconds, as limits counts them
_HASH: Final = re.compile(r"(?:scrypt|pbkdf2)(?::\w+)+\$\w+\$[0-9a-f]+")  # Werkzeug's spelling


class SettingsError(ValueError):
    """One or more settings are wrong or missing; the message names each on a line of its own."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep the faults, one sentence each."""
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"These settings are wrong or missing:\n{lines}")


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


# Readers turn a variable's text into its value, or raise a ValueError that never quotes the text:
# it may be a secret.


def _token(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("must be printable ASCII without spaces")
    return text


def _url(text: str, schemes: Sequence[str]) -> str:
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


def _plain_url(text: str, schemes: Sequence[str]) -> str:
    parts = urlsplit(_url(text, schemes))
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a plain address: no user name, query or fragment")
    return text


def _portal_url(text: str) -> str:
    parts = urlsplit(_plain_url(text, ("https", "http")))
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must be https: the token would travel in the clear")
    try:
        requests.Request("POST", text).prepare()
    except ValueError:  # it is stricter than the standard library
        raise ValueError("is not a URL") from None
    return text.rstrip("/") + "/"


def _public_url(text: str) -> str:
    try:
        return parse_origin(text.removesuffix("/"))
    except ValueError:
        raise ValueError(
            "must be a plain origin such as https://form.example.ir, its host in ASCII"
        ) from None


def _database_url(text: str) -> str:
    if text.startswith("postgresql") and importlib.util.find_spec("psycopg") is None:
        raise ValueError("needs the package psycopg: install amoot-contact-form[postgresql]")
    if re.fullmatch("sqlite:/*(:memory:)?", text):
        raise ValueError("must name a file: what is in memory alone is lost")
    return _url(text, ("sqlite", "postgresql+psycopg"))


def _redis_url(text: str) -> str:
    if importlib.util.find_spec("redis") is None:
        raise ValueError("needs the package redis: install amoot-contact-form[redis]")
    return _url(text, ("redis", "rediss", "unix"))


def _number(text: str, lowest: float, highest: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not lowest <= number <= highest:
        raise ValueError(f"must be a number from {lowest:g} to {highest:g}")
    return number


def _whole(text: str, lowest: int, highest: int) -> int:
    if not re.fullmatch("[0-9]{1,6}", text) or not lowest <= int(text) <= highest:
        raise ValueError(f"must be a whole number from {lowest} to {highest}")
    return int(text)


def _choice(text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return text


def _switch(text: str) -> bool:
    return _choice(text, ("on", "off")) == "on"


def _limit(text: str) -> str:
    try:
        items = parse_many(text)
    except ValueError:
        items = []
    if not items or any(item.amount < 1 or item.get_expiry() > _MONTH for item in items):
        raise ValueError(
            "must be limits such as 60/minute;1000/hour: at least 1, in at most a month"
        )
    return text


def _keys(text: str) -> tuple[str, ...]:
    if not text.split():
        raise ValueError("must be one or more keys, newest first, separated by spaces")
    return tuple(text.split())


def _networks(text: str) -> tuple[Network, ...]:
    try:
        networks = tuple(ipaddress.ip_network(part) for part in re.split(r"[\s,]+", text.strip()))
    except ValueError:
        raise ValueError("must be networks such as 192.168.0.0/16, separated by spaces") from None
    return networks


def _users(text: str) -> Mapping[str, str]:
    pairs = [part.partition(":") for part in text.split()]
    if not pairs or not all(name and _HASH.fullmatch(hash_) for name, _, hash_ in pairs):
        raise ValueError("must be name:hash pairs as `amoot-form hash-password` prints them")
    return {name: hash_ for name, _, hash_ in pairs}


def _bind(text: str) -> str:
    match = re.fullmatch(r"unix:/.+|(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", text, re.ASCII)
    if match is None or int(match[1] or 0) >= 1 << 16:
        raise ValueError("must be host:port or unix:/path")
    return text


def _path(text: str) -> Path:
    if not text:
        raise ValueError("must be a path")
    return Path(text).absolute()


def _state(text: str) -> Path:
    # systemd separates several folders with colons; the first is ours.
    path = Path(text.partition(":")[0])
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


def _setting(
    name: str,
    read: Callable[[str], Any],
    default: Any = None,  # noqa: ANN401  the type stands at the attribute
    *,
    factory: Callable[[], Any] | None = None,
    secret: bool = False,
) -> Any:  # noqa: ANN401  as dataclasses.field itself
    metadata = {"name": name, "read": read}
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata=metadata, repr=not secret)
    return dataclasses.field(default=default, metadata=metadata, repr=not secret)


def _cores() -> int:
    return os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says. The README's table gives each variable's meaning and unit."""

    amoot_token: str | None = _setting("AMOOT_TOKEN", _token, secret=True)
    amoot_url: str | None = _setting("AMOOT_URL", _portal_url)
    amoot_deadline: float = _setting("AMOOT_DEADLINE", partial(_number, lowest=0.1, highest=60), 8)
    amoot_settle: float = _setting("AMOOT_SETTLE", partial(_number, lowest=0, highest=3600), 120)
    secret_keys: tuple[str, ...] = _setting("SECRET_KEY", _keys, (), secret=True)
    forms_file: Path | None = _setting("FORMS_FILE", _path)
    state_directory: Path = _setting(
        "STATE_DIRECTORY",
        _state,
        factory=lambda: platformdirs.user_state_path("amoot-contact-form", appauthor=False),
    )
    database_url: str | None = _setting(
        "DATABASE_URL",
        _database_url,
        secret=True,  # it may hold a password
    )
    redis_url: str | None = _setting("REDIS_URL", _redis_url, secret=True)
    rate_limits: bool = _setting("RATE_LIMITS", _switch, default=True)
    limit_total: str = _setting("LIMIT_TOTAL", _limit, "6000/minute")
    limit_form: str = _setting("LIMIT_FORM", _limit, "3000/minute")
    # Not tight: subscribers of the Iranian mobile networks share addresses.
    limit_address: str = _setting("LIMIT_ADDRESS", _limit, "600/minute;6000/hour")
    limit_mobile: str = _setting("LIMIT_MOBILE", _limit, "5/hour;20/day")
    limit_login: str = _setting("LIMIT_LOGIN", _limit, "10/minute;60/hour")
    public_url: str | None = _setting("PUBLIC_URL", _public_url)
    trusted_proxies: int = _setting("TRUSTED_PROXIES", partial(_whole, lowest=0, highest=9), 0)
    intranet_networks: tuple[Network, ...] = _setting(
        "INTRANET_NETWORKS", _networks, PRIVATE_NETWORKS
    )
    intranet_users: Mapping[str, str] = _setting(
        "INTRANET_USERS", _users, factory=dict, secret=True
    )
    deliverer_calls: int = _setting("DELIVERER_CALLS", partial(_whole, lowest=1, highest=64), 4)
    deliverer: str = _setting("DELIVERER", partial(_choice, choices=("inline", "off")), "inline")
    bind: str = _setting("BIND", _bind, "127.0.0.1:8000")
    web_concurrency: int = _setting(
        "WEB_CONCURRENCY", partial(_whole, lowest=1, highest=256), factory=_cores
    )
    threads: int = _setting("THREADS", partial(_whole, lowest=4, highest=1024), 32)
    log_format: str = _setting("LOG_FORMAT", partial(_choice, choices=("text", "json")), "text")
    log_level: str = _setting(
        "LOG_LEVEL", partial(_choice, choices=("debug", "info", "warning", "error")), "info"
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Args:
            environ: The environment; by default the process's own.

        Raises:
            SettingsError: if a setting is wrong or missing. It names them all, and quotes none.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        faults: list[str] = []
        for row in dataclasses.fields(cls):
            name = row.metadata["name"]
            if name not in environ:
                continue
            try:
                values[row.name] = row.metadata["read"](environ[name])
            except ValueError as error:
                faults.append(f"{name} {error}.")
        faults += _missing(environ, values)
        if faults:
            raise SettingsError(faults)
        if "SECRET_KEY" not in environ:  # demo mode: good for as long as this process lives
            values["secret_keys"] = (secrets.token_urlsafe(32),)
        return cls(**values)

    @property
    def outbox_url(self) -> str:
        """Where the outbox lies.

        The demo's lies apart, whatever DATABASE_URL says: the stand-in must not swallow contacts
        that wait for the real portal, nor the real one receive the demo's.
        """
        if self.demo:
            return f"sqlite:///{self.state_directory}/demo.sqlite3"
        return self.database_url or f"sqlite:///{self.state_directory}/outbox.sqlite3"

    @property
    def page_threads(self) -> int:
        """How many threads of a worker never wait for the portal: a quarter of THREADS."""
        return self.threads // 4

    @property
    def portal_calls(self) -> int:
        """How many people's contacts a worker sends at once: three quarters of THREADS."""
        return self.threads - self.page_threads

    @property
    def max_waiting(self) -> int:
        """How many more people may wait in a worker until such a call is theirs.

        A load balancer between workers is never even. So a worker takes twice THREADS people, as
        if another worker's came, too.
        """
        return 2 * self.threads - self.portal_calls

    @property
    def demo(self) -> bool:
        """Whether a stand-in on loopback takes the portal's place, for want of a token."""
        return self.amoot_token is None


def _missing(environ: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """Name what must be set because something else is, or is not."""
    faults = []
    url = values.get("amoot_url")
    if "AMOOT_TOKEN" in environ and "SECRET_KEY" not in environ:
        faults.append("SECRET_KEY is missing: outside demo mode the form's tokens need it.")
    if "AMOOT_TOKEN" not in environ and url and not is_loopback(urlsplit(url).hostname):
        faults.append("AMOOT_TOKEN is missing: AMOOT_URL asks for a real portal.")
    return faults
