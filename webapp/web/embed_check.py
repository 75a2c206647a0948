"""Checks the set-up of an embedded form, for the operator's page."""

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
    """What is known of the set-up from a request to the operator's page.

    Attributes:
        origin: The origin of the form's URL.
        is_secure: Whether this request came over HTTPS, as far as the app can tell.
        forwarded: The number of addresses in X-Forwarded-For.
        sets_cookie: Whether the embedded page sets a cookie.
    """

    origin: str
    is_secure: bool
    forwarded: int
    sets_cookie: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: its name, whether it is fine, and a Persian sentence."""

    name: str
    is_fine: bool
    text: str


# Heights on a phone, so that a frame without the script does not hide the button.
_FIELD_HEIGHTS_PX: Final = {Kind.LINES: 200, Kind.GENDER: 170, Kind.LABELS: 170, Kind.DATE: 190}
_DEFAULT_FIELD_HEIGHT_PX: Final = 120
_FRAME_HEIGHT_PX: Final = 260  # title, intro and button
_CONSENT_HEIGHT_PX: Final = 110


def snippet(definition: FormDefinition, origin: str) -> str:
    """Return the two lines of HTML to embed a form; the first one works without script."""
    height = _FRAME_HEIGHT_PX + sum(
        _FIELD_HEIGHTS_PX.get(row.kind, _DEFAULT_FIELD_HEIGHT_PX) for row in definition.fields
    )
    height += _CONSENT_HEIGHT_PX if definition.consent else 0
    return (
        f'<iframe src="{origin}/embed/{definition.slug}" title="{escape(definition.title)}" '
        f'width="100%" height="{height}" style="border:0"></iframe>\n'
        f'<script src="{origin}/embed.js" async></script>'
    )


def inspect(definition: FormDefinition, settings: Settings, facts: Facts) -> list[Finding]:
    """Return the results of all checks."""
    checks = {
        "origins": bool(definition.embed_origins),
        "public-url": settings.public_url is not None,
        "https": facts.origin.startswith("https:"),
        "address": not _is_private(urlsplit(facts.origin).hostname or ""),
        "proxy": _is_proxy_right(settings, facts),
        "cookies": not facts.sets_cookie,
    }
    return [
        Finding(name, is_fine, messages.FINDINGS[name][not is_fine])
        for name, is_fine in checks.items()
    ]


def _is_private(host: str) -> bool:
    """Return whether browsers block requests from a public site to this host."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan", ".home.arpa"))


def _is_proxy_right(settings: Settings, facts: Facts) -> bool:
    """Return whether the proxies forward as many addresses as are trusted, and the scheme."""
    if facts.forwarded != settings.trusted_proxies:
        return False
    return facts.is_secure == (settings.public_url or facts.origin).startswith("https:")
