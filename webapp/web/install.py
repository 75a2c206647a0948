"""For operators: a form's snippet, preview and set-up checks; its link, QR code and poster."""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import segno
from flask import Blueprint, Response, current_app, make_response, render_template, request

from webapp import messages
from webapp.contact import FieldKind
from webapp.forms.definitions import FormDefinition, read_arrival, source_key
from webapp.settings import Settings
from webapp.web import closing
from webapp.web.contact import PREVIEW
from webapp.web.rendering import public_form, require_intranet, services
from webapp.web.security import own_origin

link_blueprint = Blueprint("link", __name__)
link_blueprint.before_request(require_intranet)

_QUIET_ZONE: Final = 4  # modules around the code, as ISO/IEC 18004 asks for
_PNG_SCALE: Final = 16  # pixels a module: 6 cm at 300 dpi for a short link


@dataclass(frozen=True, slots=True)
class Link:
    """The link of a form.

    Attributes:
        url: The link, with its source.
        source: The source in it, or "".
        query: The query of our own pages about it, such as "?utm_source=…", or "".
        address: The form's address to read and type: without scheme and query.
        source_key: The key of the source in the form's address; "" if it takes none.
        choices: The labels of the sources that it knows, by source; none if it takes any text.
    """

    url: str
    source: str
    query: str
    address: str
    source_key: str
    choices: Mapping[str, str]


def form_link(definition: FormDefinition) -> Link:
    """Return the link of a form, with the source in the query of the current request."""
    key = source_key(definition.from_url)
    target = definition.from_url.get(key, "")
    source = read_arrival(definition.from_url, request.args).source
    query = "?" + urlencode({key: source}) if source else ""
    page = f"{own_origin()}/f/{definition.slug}"
    return Link(
        url=page + query,
        source=source,
        query=query,
        address=page.split("://", 1)[1],
        source_key=key,
        choices={} if isinstance(target, str) else target,
    )


@link_blueprint.get("/install/<slug>/qr.svg")
def svg(slug: str) -> Response:
    """Serve the QR code of the form's link as SVG, which fits any size."""
    return Response(_code(slug, kind="svg", omitsize=True), content_type="image/svg+xml")


@link_blueprint.get("/install/<slug>/qr.png")
def png(slug: str) -> Response:
    """Serve the QR code of the form's link as PNG."""
    return Response(_code(slug, kind="png", scale=_PNG_SCALE), content_type="image/png")


def _code(slug: str, **options: Any) -> bytes:
    file = io.BytesIO()
    # At least level M; a higher one where the code does not grow by it. White, in dark mode too.
    code = segno.make_qr(form_link(public_form(slug)).url, error="m")
    code.save(file, border=_QUIET_ZONE, light="#fff", **options)
    return file.getvalue()


@link_blueprint.get("/install/<slug>/poster")
def poster(slug: str) -> str:
    """Show a poster of the form, for a printer."""
    definition = public_form(slug)
    return render_template("install/poster.html", definition=definition, link=form_link(definition))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the set-up from a request to the operator's page.

    Attributes:
        origin: The origin of the form's URL.
        is_secure: Whether this request came over HTTPS, as far as the app can tell.
        forwarded: The number of addresses in X-Forwarded-For.
        sets_cookie: Whether the embedded page sets a cookie.
        is_framable: Whether its headers let every listed site frame it.
    """

    origin: str
    is_secure: bool
    forwarded: int
    sets_cookie: bool
    is_framable: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: its name, whether it is fine, and a Persian sentence."""

    name: str
    is_fine: bool
    text: str


# Heights on a phone: a frame without the script must not hide the button.
_FIELD_HEIGHTS_PX: Final = {
    FieldKind.LINES: 200,
    FieldKind.GENDER: 170,
    FieldKind.LABELS: 170,
    FieldKind.DATE: 190,
}
_DEFAULT_FIELD_HEIGHT_PX: Final = 120
_FRAME_HEIGHT_PX: Final = 260  # title, intro and button
_CONSENT_HEIGHT_PX: Final = 110


def snippet(definition: FormDefinition, origin: str) -> str:
    """Return the two lines of HTML to embed a form; the first one works without script."""
    height = _FRAME_HEIGHT_PX + sum(
        _FIELD_HEIGHTS_PX.get(row.kind, _DEFAULT_FIELD_HEIGHT_PX) for row in definition.fields
    )
    height += _CONSENT_HEIGHT_PX if definition.consent else 0
    # "origin": our page learns its site even where that site's pages have no-referrer. With
    # otp-credentials, a browser fills in the code of an SMS.
    allow = ' allow="otp-credentials"' if definition.verification else ""
    return (
        f'<iframe src="{origin}/embed/{definition.slug}" title="{escape(definition.title)}" '
        f'width="100%" height="{height}" style="border:0" '
        f'referrerpolicy="origin"{allow}></iframe>\n'
        f'<script src="{origin}/embed.js" async></script>'
    )


def missing_twin(origin: str, origins: Sequence[str]) -> str:
    """Return the origin with or without "www." that is not among these, or ""."""
    scheme, _, host = origin.partition("://")
    bare = host.removeprefix("www.")
    twin = f"{scheme}://{bare if bare != host else f'www.{host}'}"
    is_site = bare != host or host.count(".") == 1  # else a host of its own, such as shop.
    return twin if is_site and twin not in origins else ""


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
    if definition.embed_origins:
        checks["frame"] = facts.is_framable
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


blueprint = Blueprint("install", __name__)


@blueprint.get("/install/<slug>")
def install(slug: str) -> Response:
    """Show how to embed the form of this slug."""
    settings = services().settings
    require_intranet()
    definition = public_form(slug)
    origin, preview = own_origin(), f"/embed/{slug}?{PREVIEW}=1"
    # Like a visitor's browser: in an empty context, without the operator's request.
    visit = partial(current_app.test_client().get, preview, base_url=origin)
    headers = Context().run(visit).headers
    ancestors = headers["Content-Security-Policy"].partition("frame-ancestors ")[2].split()
    facts = Facts(
        origin=origin,
        is_secure=request.is_secure,
        forwarded=len(list(filter(None, request.headers.get("X-Forwarded-For", "").split(",")))),
        sets_cookie="Set-Cookie" in headers,
        is_framable={*definition.embed_origins} <= {*ancestors}
        and "X-Frame-Options" not in headers,
    )
    response = make_response(
        render_template(
            "install/install.html",
            definition=definition,
            snippet=snippet(definition, origin),
            findings=inspect(definition, settings, facts),
            check_command="amoot-form check --portal",
            link=form_link(definition),
            opening=closing.for_operators(definition),
            preview=preview,
            missing_twin=missing_twin,
            origin=origin,
        )
    )
    response.headers["Content-Security-Policy"] = "frame-src 'self'"  # the preview
    return response
