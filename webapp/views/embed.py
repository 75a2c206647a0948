"""A public form in a frame of another site: no cookie, no session; the end is said by a receipt."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, current_app, render_template, request

from webapp import accent
from webapp.definitions import Access
from webapp.tokens import InvalidReceipt
from webapp.views import services, submission

if TYPE_CHECKING:
    from webapp.definitions import FormDefinition
    from webapp.delivery import Outcome
    from webapp.forms import ContactForm

blueprint = Blueprint("embed", __name__)


@blueprint.route("/embed/<slug>", methods=["GET", "POST"])
def form(slug: str) -> submission.Answer:
    """Serve the form of this slug for a frame."""
    definition = _public(slug)
    form = services().forms[slug]()
    return submission.serve(form, accepted=_accepted, done=[], embed=definition, own=_own())


@blueprint.get("/embed/<slug>/done")
def done(slug: str) -> str | Response:
    """Say what a receipt says; without one, lead to the form."""
    definition = _public(slug)
    try:
        said = services().receipts.read(request.args.get("r", ""), form=slug)
    except InvalidReceipt:
        return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": f"/embed/{slug}"})
    return render_template(
        "done.html", definition=definition, embed=definition, own=_own(), done=[said]
    )


@blueprint.get("/embed.js")
def script() -> Response:
    """Serve the snippet's script, under the address that stands in other sites' pages."""
    response = current_app.send_static_file("embed.js")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/accent/<slug>.css")
def style(slug: str) -> Response:
    """Serve the form's own colour, which the policy keeps out of the page itself."""
    definition = services().definitions.get(slug)
    if not definition or not definition.accent:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(accent.stylesheet(definition.accent), mimetype="text/css")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _own() -> str:
    """Return our own origin: the preview on the operators' page listens too."""
    return services().settings.public_url or request.host_url.rstrip("/")


def _public(slug: str) -> FormDefinition:
    definition = services().definitions.get(slug)
    if not definition or definition.access is not Access.PUBLIC:
        abort(HTTPStatus.NOT_FOUND)
    return definition


def _accepted(form: ContactForm, outcome: Outcome) -> Response:
    slug = form.definition.slug
    receipt = services().receipts.issue(slug, result=outcome.result, reference=outcome.reference)
    address = f"/embed/{slug}/done?r={receipt}"
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
