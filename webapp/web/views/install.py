"""For operators: the snippet to embed a form, a preview, checks of the set-up, and its link."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, make_response, render_template, request

from webapp.web.embed_check import Facts, inspect, snippet
from webapp.web.request import own_origin
from webapp.web.views import public_form, require_intranet, services
from webapp.web.views.contact_form import PREVIEW
from webapp.web.views.link import form_link

if TYPE_CHECKING:
    from flask.testing import FlaskClient

blueprint = Blueprint("install", __name__)


@blueprint.get("/install/<slug>")
def install(slug: str) -> Response:
    """Show how to embed the form of this slug."""
    settings = services().settings
    require_intranet()
    definition = public_form(slug)
    origin, preview = own_origin(), f"/embed/{slug}?{PREVIEW}=1"
    facts = Facts(
        origin=origin,
        is_secure=request.is_secure,
        forwarded=len(list(filter(None, request.headers.get("X-Forwarded-For", "").split(",")))),
        sets_cookie=Context().run(_sets_cookie, current_app.test_client(), preview, origin),
    )
    response = make_response(
        render_template(
            "install/install.html",
            definition=definition,
            snippet=snippet(definition, origin),
            findings=inspect(definition, settings, facts),
            check_command="amoot-form check --portal",
            link=form_link(definition),
            preview=preview,
        )
    )
    response.headers["Content-Security-Policy"] = "frame-src 'self'"  # the preview
    return response


def _sets_cookie(visitor: FlaskClient, path: str, origin: str) -> bool:
    """Request the embedded page like a visitor's browser, and return whether it sets a cookie.

    Call it in an empty context: the page is not to know of the operator's request.
    """
    return "Set-Cookie" in visitor.get(path, base_url=origin).headers
