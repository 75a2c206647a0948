"""Our own origin, and the embedded form that a request belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request

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
