"""Our own origin, the site that shows a form, and the embedded form of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request

from webapp import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.forms.definitions import FormDefinition


def own_origin() -> str:
    """Return our origin: that of PUBLIC_URL or, without it, of the current request."""
    return current_app.config["PUBLIC_URL"] or f"{request.scheme}://{request.host}"


def embedded_form(definitions: Mapping[str, FormDefinition], path: str) -> FormDefinition | None:
    """Return the embedded form of a request's path.

    By path, not by view: error pages are shown in the iframe as well.
    """
    prefix, _, rest = path.lstrip("/").partition("/")
    return definitions.get(rest.partition("/")[0]) if prefix == "embed" else None


def showing_site(definition: FormDefinition) -> str:
    """Return the origin of the site that shows the form: ours, or the one that embeds it.

    The referrer of an embedded page is its host page; later pages have the origin in their query.
    """
    if not request.path.startswith("/embed/"):
        return own_origin()
    origin = request.args.get("site") or "/".join((request.referrer or "").split("/")[:3])
    return origin if origin in definition.embed_origins else messages.UNKNOWN_SITE
