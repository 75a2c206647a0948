"""Our own origin, and whose frame a request belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.forms.definitions import FormDefinition


def own_origin() -> str:
    """Return the origin under which people see us: PUBLIC_URL's, or else this request's."""
    return current_app.config["PUBLIC_URL"] or f"{request.scheme}://{request.host}"


def framed(definitions: Mapping[str, FormDefinition], path: str) -> FormDefinition | None:
    """Return the form in whose frame a request is made, judged by its path.

    Not by its view: an error's page, too, is shown in the frame.
    """
    prefix, _, rest = path.lstrip("/").partition("/")
    return definitions.get(rest.partition("/")[0]) if prefix == "embed" else None
