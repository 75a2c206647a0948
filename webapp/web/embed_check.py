"""What is right and wrong with the set-up of an embedded form, for the operator's page."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from webapp import messages
from webapp.contact import Kind

if TYPE_CHECKING:
    from webapp.forms.definitions import FormDefinition
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


# Pixels that a field takes on a phone; a frame of a fixed height must not hide its button.
_HEIGHTS: Final = {Kind.LINES: 200, Kind.GENDER: 170, Kind.LABELS: 170, Kind.DATE: 190}
_OTHER_FIELD: Final = 120
_AROUND: Final = 260  # title, intro and button
_CONSENT: Final = 110


def snippet(definition: FormDefinition, origin: str) -> str:
    """Return the two lines to paste into a website, high enough without the second."""
    height = _AROUND + sum(_HEIGHTS.get(row.kind, _OTHER_FIELD) for row in definition.fields)
    height += _CONSENT if definition.consent else 0
    return (
        f'<iframe src="{origin}/embed/{definition.slug}" title="{escape(definition.title)}" '
        f'width="100%" height="{height}" style="border:0"></iframe>\n'
        f'<script src="{origin}/embed.js" async></script>'
    )


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
        Finding(name, is_fine, messages.FINDINGS[name][not is_fine])
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
    if facts.forwarded != settings.trusted_proxies:
        return False
    return facts.is_secure == (settings.public_url or facts.origin).startswith("https:")
