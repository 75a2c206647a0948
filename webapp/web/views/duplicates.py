"""Tells an operator, while they type, that the phonebook has a number already."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, render_template, request

from webapp import persian
from webapp.contact import MOBILE
from webapp.web.views import form_path, has_token, require_intranet, require_own_host, services

if TYPE_CHECKING:
    from webapp.portal.base import KnownContact

blueprint = Blueprint("duplicates", __name__)
blueprint.before_request(require_intranet)
blueprint.before_request(require_own_host)


@blueprint.post("/f/<slug>/duplicates")
def known(slug: str) -> str | Response:
    """Return the contacts with the number of a form that is being filled in, as HTML.

    A POST, because a number must not be in a URL. The response is empty if there are none.
    """
    definition = services().definitions.get(slug)
    if definition is None or not definition.asks_about_duplicates:
        abort(HTTPStatus.NOT_FOUND)
    found = _find(request.form.get(MOBILE, "")) if has_token(slug) else []
    if not found:
        return Response(status=HTTPStatus.NO_CONTENT)
    return render_template(
        "duplicate_early.html",
        known=found,
        cancel=form_path(definition),
        date_in_words=persian.date_in_words,
    )


def _find(text: str) -> list[KnownContact]:
    try:
        mobile = persian.parse_mobile(text)
    except persian.InvalidText:
        return []
    return services().delivery.duplicates.with_mobile(mobile)
