"""The settings, read once from the environment; one message names all errors."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import platformdirs

from webapp.setting_values import (
    MIN_SECRET_LENGTH,
    Network,
    is_bound_to_loopback,
    is_loopback,
    read_address,
    read_addresses,
    read_bind,
    read_ca_file,
    read_choice,
    read_database_url,
    read_keys,
    read_limit,
    read_networks,
    read_number,
    read_path,
    read_portal_url,
    read_proxy_url,
    read_public_url,
    read_redis_url,
    read_secret,
    read_smtp_url,
    read_state_directory,
    read_switch,
    read_text,
    read_token,
    read_users,
    read_whole_number,
)

_MAX_LOGO_BYTES: Final = 200 * 1024
_LOGO_TYPES: Final = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
}


@dataclass(frozen=True)
class Logo:
    """A picture that was read from a local file; its media type is by the file's suffix."""

    content: bytes = field(repr=False)
    mimetype: str

    @cached_property
    def digest(self) -> str:
        """A hash of the content, for a URL that browsers may cache."""
        return hashlib.sha256(self.content).hexdigest()[:12]


def read_logo(text: str) -> Logo:
    """Read the path of a picture, and the picture."""
    path = Path(text)
    mimetype = _LOGO_TYPES.get(path.suffix.lower())
    if not mimetype:
        raise ValueError(f"must be the path of a picture: {', '.join(_LOGO_TYPES)}")
    try:
        content = path.read_bytes()
    except OSError:
        raise ValueError("must be the path of a file that can be read") from None
    if len(content) > _MAX_LOGO_BYTES:
        raise ValueError(f"must be a file of {_MAX_LOGO_BYTES // 1024} KB at most")
    return Logo(content, mimetype)


# High enough that other programs' variables, such as CACHE_DIRECTORY, resemble none of ours.
_MIN_SIMILARITY: Final = 0.85

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


class SettingsError(ValueError):
    """Settings are wrong or missing; the message names each one on a line of its own."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Set the errors, one sentence each."""
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"These settings are wrong or missing:\n{lines}")


def _setting(
    name: str,
    read: Callable[[str], Any],
    default: Any = None,  # noqa: ANN401  the attribute has the type
    *,
    factory: Callable[[], Any] | None = None,
    secret: bool = False,
) -> Any:  # noqa: ANN401  as dataclasses.field itself
    return dataclasses.field(
        default_factory=factory or (lambda: default),
        metadata={"name": name, "read": read},
        repr=not secret,
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings. `docs/settings.md` gives the meaning and unit of each one."""

    amoot_token: str | None = _setting("AMOOT_TOKEN", read_token, secret=True)
    amoot_url: str | None = _setting("AMOOT_URL", read_portal_url)
    amoot_deadline: float = _setting(
        "AMOOT_DEADLINE", partial(read_number, lowest=0.1, highest=60), 8
    )
    amoot_settle: float = _setting(
        "AMOOT_SETTLE", partial(read_number, lowest=0, highest=3600), 120
    )
    amoot_empty_gender: str = _setting(
        "AMOOT_EMPTY_GENDER",
        partial(read_choice, choices=("empty", "omit", "true", "false")),
        "empty",
    )
    amoot_empty: str = _setting(
        "AMOOT_EMPTY", partial(read_choice, choices=("send", "omit")), "send"
    )
    amoot_edit: bool = _setting("AMOOT_EDIT", read_switch, default=False)
    portal_proxy: str | None = _setting("PORTAL_PROXY", read_proxy_url, secret=True)  # a password
    portal_ca_file: Path | None = _setting("PORTAL_CA_FILE", read_ca_file)
    amoot_labels: int = _setting(
        "AMOOT_LABELS", partial(read_whole_number, lowest=0, highest=86400), 300
    )
    secret_keys: tuple[str, ...] = _setting("SECRET_KEY", read_keys, (), secret=True)
    forms_file: Path | None = _setting("FORMS_FILE", read_path)
    state_directory: Path = _setting(
        "STATE_DIRECTORY",
        read_state_directory,
        factory=lambda: platformdirs.user_state_path("amoot-contact-form", appauthor=False),
    )
    database_url: str | None = _setting(
        "DATABASE_URL",
        read_database_url,
        secret=True,  # it may hold a password
    )
    database_pool: int = _setting(
        "DATABASE_POOL", partial(read_whole_number, lowest=2, highest=100), 5
    )
    database_prepared: bool = _setting("DATABASE_PREPARED", read_switch, default=True)
    redis_url: str | None = _setting("REDIS_URL", read_redis_url, secret=True)
    rate_limits: bool = _setting("RATE_LIMITS", read_switch, default=True)
    limit_total: str = _setting("LIMIT_TOTAL", read_limit, "6000/minute")
    limit_form: str = _setting("LIMIT_FORM", read_limit, "3000/minute")
    # Generous: subscribers of Iranian mobile networks share IP addresses.
    limit_address: str = _setting("LIMIT_ADDRESS", read_limit, "600/minute;6000/hour")
    limit_mobile: str = _setting("LIMIT_MOBILE", read_limit, "5/hour;20/day")
    # Each code costs credit. As subscribers share addresses, the number is bounded most.
    limit_code_mobile: str = _setting("LIMIT_CODE_MOBILE", read_limit, "5/hour;10/day")
    limit_code_address: str = _setting("LIMIT_CODE_ADDRESS", read_limit, "60/hour;300/day")
    limit_code_form: str = _setting("LIMIT_CODE_FORM", read_limit, "600/hour")
    limit_code_unproven: str = _setting("LIMIT_CODE_UNPROVEN", read_limit, "20/hour;100/day")
    # Robots must not fill the list that operators review.
    limit_suspects: str = _setting("LIMIT_SUSPECTS", read_limit, "30/hour;100/day")
    # One sender must not use up the limit of visitors without script.
    limit_suspects_address: str = _setting("LIMIT_SUSPECTS_ADDRESS", read_limit, "10/hour;30/day")
    codes_per_day: int = _setting(
        "CODES_PER_DAY", partial(read_whole_number, lowest=0, highest=999_999), 1000
    )
    limit_login: str = _setting("LIMIT_LOGIN", read_limit, "10/minute;60/hour")
    public_url: str | None = _setting("PUBLIC_URL", read_public_url)
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES", partial(read_whole_number, lowest=0, highest=9), 0
    )
    intranet_networks: tuple[Network, ...] = _setting(
        "INTRANET_NETWORKS", read_networks, PRIVATE_NETWORKS
    )
    intranet_users: Mapping[str, str] = _setting(
        "INTRANET_USERS", read_users, factory=dict, secret=True
    )
    metrics_token: str | None = _setting("METRICS_TOKEN", read_secret, secret=True)
    organisation: str = _setting("ORGANISATION", read_text, "")
    organisation_logo: Logo | None = _setting("ORGANISATION_LOGO", read_logo)
    recent_submissions: bool = _setting("RECENT_SUBMISSIONS", read_switch, default=True)
    deliverer_metrics: str | None = _setting("DELIVERER_METRICS", read_address)
    deliverer_calls: int = _setting(
        "DELIVERER_CALLS", partial(read_whole_number, lowest=1, highest=64), 4
    )
    deliverer: str = _setting(
        "DELIVERER", partial(read_choice, choices=("inline", "off")), "inline"
    )
    import_rate: int = _setting(
        "IMPORT_RATE", partial(read_whole_number, lowest=1, highest=1000), 100
    )
    bind: str = _setting("BIND", read_bind, "127.0.0.1:8000")
    web_concurrency: int = _setting(
        "WEB_CONCURRENCY",
        partial(read_whole_number, lowest=1, highest=256),
        factory=lambda: os.cpu_count() or 1,
    )
    threads: int = _setting("THREADS", partial(read_whole_number, lowest=4, highest=1024), 32)
    # Addresses are personal data, and the URL may hold a password.
    alert_email: tuple[str, ...] = _setting("ALERT_EMAIL", read_addresses, (), secret=True)
    smtp_url: str | None = _setting("SMTP_URL", read_smtp_url, secret=True)
    log_format: str = _setting("LOG_FORMAT", partial(read_choice, choices=("text", "json")), "text")
    log_level: str = _setting(
        "LOG_LEVEL", partial(read_choice, choices=("debug", "info", "warning", "error")), "info"
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
            raise SettingsError(faults + _misspelt(environ))
        return cls(**values)

    @property
    def outbox_url(self) -> str:
        """The URL of the outbox.

        Demo mode has an outbox of its own, whatever DATABASE_URL says: the simulator must not
        receive contacts that wait for the real portal, nor the real portal those of the demo.
        """
        if self.demo:
            return f"sqlite:///{self.state_directory}/demo.sqlite3"
        return self.database_url or f"sqlite:///{self.state_directory}/outbox.sqlite3"

    @property
    def outbox_setting(self) -> str:
        """The name of the setting that `outbox_url` comes from."""
        return "DATABASE_URL" if self.database_url and not self.demo else "STATE_DIRECTORY"

    @property
    def page_threads(self) -> int:
        """Threads of each web worker that never wait for the portal: a quarter of THREADS."""
        return self.threads // 4

    @property
    def portal_calls(self) -> int:
        """Submissions that each web worker sends at once: three quarters of THREADS."""
        return self.threads - self.page_threads

    @property
    def max_waiting(self) -> int:
        """Further submissions that may wait in each web worker for one of these calls.

        As load is not balanced evenly between workers, each one accepts twice THREADS submissions.
        """
        return 2 * self.threads - self.portal_calls

    @property
    def demo(self) -> bool:
        """Whether the simulator replaces the portal, because there is no token."""
        return self.amoot_token is None


def _missing(environ: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """Return the errors of settings that others make necessary."""
    faults = []
    url = values.get("amoot_url")
    if "AMOOT_TOKEN" in environ and "SECRET_KEY" not in environ:
        faults.append("SECRET_KEY is missing: outside demo mode the form's tokens need it.")
    if "AMOOT_TOKEN" not in environ and url and not is_loopback(urlsplit(url).hostname):
        faults.append("AMOOT_TOKEN is missing: AMOOT_URL asks for a real portal.")
    proxy = urlsplit(values.get("portal_proxy") or "").hostname
    is_plain = "AMOOT_TOKEN" in environ and urlsplit(url or "").scheme == "http"
    if proxy and is_plain and not is_loopback(proxy):
        faults.append("PORTAL_PROXY needs an AMOOT_URL with https: it would read the token.")
    if "SMTP_URL" in environ and "ALERT_EMAIL" not in environ:
        faults.append("ALERT_EMAIL is missing: SMTP_URL alone tells nobody.")
    metrics = values.get("deliverer_metrics")
    if metrics and not is_bound_to_loopback(metrics) and "METRICS_TOKEN" not in environ:
        faults.append("METRICS_TOKEN is missing: DELIVERER_METRICS is open to other machines.")
    if "ALERT_EMAIL" in environ and "SMTP_URL" not in environ:
        faults.append("SMTP_URL is missing: ALERT_EMAIL needs a mail server.")
    public_url = urlsplit(values.get("public_url") or "")
    is_public = public_url.hostname is not None and not is_loopback(public_url.hostname)
    if "AMOOT_TOKEN" not in environ and is_public:
        faults.append("AMOOT_TOKEN is missing: PUBLIC_URL would publish demo mode.")
    has_proxy = values.get("trusted_proxies", "TRUSTED_PROXIES" in environ)
    if public_url.scheme == "https" and not has_proxy:
        faults.append("TRUSTED_PROXIES is missing: PUBLIC_URL is https, which needs a proxy.")
    if values.get("bind", "").startswith("unix:") and not has_proxy:
        faults.append("TRUSTED_PROXIES is missing: BIND is a socket, which only a proxy reaches.")
    return faults


def warnings(settings: Settings, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return what is probably a mistake in settings that are valid, one sentence each.

    Args:
        settings: As read from the environment.
        environ: The environment; by default the process's own.
    """
    environ = os.environ if environ is None else environ
    texts = []
    is_open = not settings.intranet_users and settings.intranet_networks is PRIVATE_NETWORKS
    if is_open and not is_bound_to_loopback(settings.bind):
        texts.append(
            "Operators' pages are open to every private network, and BIND is no loopback address: "
            "set INTRANET_USERS or INTRANET_NETWORKS."
        )
    if is_open and not (settings.demo or settings.trusted_proxies or texts):
        texts.append(
            "Only this machine reaches BIND: if a reverse proxy stands in front, set "
            "TRUSTED_PROXIES, else operators' pages are open to everybody."
        )
    if not settings.intranet_users and not all(it.prefixlen for it in settings.intranet_networks):
        texts.append(
            "INTRANET_NETWORKS holds every address: set INTRANET_USERS, else operators' pages are "
            "open to everybody."
        )
    if re.match("sqlite:///(?!/|file:)", settings.database_url or ""):
        texts.append(
            "DATABASE_URL names a relative path, another file in each folder: begin it with "
            "sqlite:////."
        )
    if any(len(key) < MIN_SECRET_LENGTH for key in settings.secret_keys[1:]):
        texts.append("SECRET_KEY ends with a short key: remove it a day after the new one is set.")
    return texts + _misspelt(environ)


def _misspelt(environ: Mapping[str, str]) -> list[str]:
    """Return a question for each variable whose name is nearly that of a setting not set."""
    names = {row.metadata["name"] for row in dataclasses.fields(Settings)}
    unset = sorted(names - set(environ))
    return [
        f"{name} is no setting: did you mean {near}?"
        for name in sorted(set(environ) - names)
        for near in difflib.get_close_matches(name.upper(), unset, n=1, cutoff=_MIN_SIMILARITY)
    ]


VERSION = "1.1.0"
