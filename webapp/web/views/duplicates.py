"""Tells an operator, while they type, that the phonebook has a number already."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, abort, render_template, request

from webapp import persian
from webapp.contact import MOBILE
from webapp.web.views import form_path, has_token, require_intranet, services

blueprint = Blueprint("duplicates", __name__)
blueprint.before_request(require_intranet)


@blueprint.post("/f/<slug>/duplicates")
def known(slug: str) -> str | Response:
    """Return the contacts with the number of a form that is being filled in, as HTML.

    A POST, because a number must not be in a URL. The response is empty if there are none.
    """
    definition = services().definitions.get(slug)
    if definition is None or not definition.asks_about_duplicates:
        abort(HTTPStatus.NOT_FOUND)
    mobile = _mobile() if has_token(slug) else ""
    found = services().delivery.duplicates.with_mobile(mobile) if mobile else []
    if not found:
        return Response(status=HTTPStatus.NO_CONTENT)
    return render_template(
        "contact/duplicate_early.html",
        known=found,
        mobile=mobile,
        cancel=form_path(definition),
        date_in_words=persian.date_in_words,
    )


def _mobile() -> str:
    """Return the normalised number that was typed, or ""."""
    try:
        return persian.parse_mobile(request.form.get(MOBILE, ""))
    except persian.InvalidText:
        return ""
