"""For operators: the link of a public form, its QR code, and a poster to print."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import segno
from flask import Blueprint, Response, render_template, request

from webapp.forms.definitions import read_arrival, source_key
from webapp.web.request import own_origin
from webapp.web.views import public_form, require_intranet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.forms.definitions import FormDefinition

blueprint = Blueprint("link", __name__)
blueprint.before_request(require_intranet)

_QUIET_ZONE: Final = 4  # modules around the code, as ISO/IEC 18004 asks for
_PNG_SCALE: Final = 16  # pixels a module: 6 cm at 300 dpi for a short link


@dataclass(frozen=True, slots=True)
class Link:
    """The link of a form.

    Attributes:
        url: The link itself.
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


@blueprint.get("/install/<slug>/qr.svg")
def svg(slug: str) -> Response:
    """Serve the QR code of the form's link as SVG, which fits any size."""
    return Response(_code(slug, kind="svg", omitsize=True), content_type="image/svg+xml")


@blueprint.get("/install/<slug>/qr.png")
def png(slug: str) -> Response:
    """Serve the QR code of the form's link as PNG."""
    return Response(_code(slug, kind="png", scale=_PNG_SCALE), content_type="image/png")


def _code(slug: str, **options: Any) -> bytes:
    file = io.BytesIO()
    # At least level M; a higher one where the code does not grow by it. White, in dark mode too.
    code = segno.make_qr(form_link(public_form(slug)).url, error="m")
    code.save(file, border=_QUIET_ZONE, light="#fff", **options)
    return file.getvalue()


@blueprint.get("/install/<slug>/poster")
def poster(slug: str) -> str:
    """Show a poster of the form, for a printer."""
    definition = public_form(slug)
    return render_template("install/poster.html", definition=definition, link=form_link(definition))
