"""What is right and wrong with the set-up of an embedded form, for the operator's page."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from webapp import wording

if TYPE_CHECKING:
    from webapp.definitions import FormDefinition
    from webapp.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a request to the operator's page shows of the set-up.

    Attributes:
        origin: The origin under which people reach the form.
        is_secure: Whether this request came over HTTPS, as far as the app can tell.
        forwarded: How many senders the proxies in front named.
        sets_cookie: Whether the embedded page was seen to set a cookie.
    """

    origin: str
    is_secure: bool
    forwarded: int
    sets_cookie: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: its name, whether it is fine, and a Persian sentence."""

    name: str
    is_fine: bool
    text: str


def inspect(definition: FormDefinition, settings: Settings, facts: Facts) -> list[Finding]:
    """Look at everything that keeps an embedded form from working."""
    looked_at = {
        "origins": bool(definition.embed_origins),
        "public-url": settings.public_url is not None,
        "https": facts.origin.startswith("https:"),
        "address": not _is_private(urlsplit(facts.origin).hostname or ""),
        "proxy": _is_proxy_right(settings, facts),
        "cookies": not facts.sets_cookie,
    }
    return [
        Finding(name, is_fine, wording.FINDINGS[name][not is_fine])
        for name, is_fine in looked_at.items()
    ]


def _is_private(host: str) -> bool:
    """Tell whether browsers keep a public site's page from reaching this host."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan", ".home.arpa"))


def _is_proxy_right(settings: Settings, facts: Facts) -> bool:
    """Tell whether as many proxies named a sender as are trusted, and named the scheme too."""
    if facts.forwarded < settings.trusted_proxies:
        return False
    return facts.is_secure == (settings.public_url or facts.origin).startswith("https:")
