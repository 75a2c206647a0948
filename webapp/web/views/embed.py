"""A public form in a frame of another site: no cookie, no session; the end is said by a receipt."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, current_app, render_template, request

from webapp.forms import colour
from webapp.forms.tokens import InvalidReceipt
from webapp.web import assets
from webapp.web.views import contact_form, public_form, services

if TYPE_CHECKING:
    from webapp.delivery.intake import Outcome
    from webapp.forms.form import ContactForm

blueprint = Blueprint("embed", __name__)


@blueprint.route("/embed/<slug>", methods=["GET", "POST"])
def form(slug: str) -> contact_form.Answer:
    """Serve the form of this slug for a frame."""
    definition = public_form(slug)
    if request.method == "GET":
        return contact_form.blank(definition, embedded=True)
    form = services().forms[slug]()
    return contact_form.serve(form, accepted=_accepted, receipt=None, pause=None, embed=definition)


@blueprint.get("/embed/<slug>/done")
def done(slug: str) -> str | Response:
    """Say what a receipt says; without one, lead to the form."""
    definition = public_form(slug)
    try:
        receipt = services().receipts.read(request.args.get("r", ""), form=slug)
    except InvalidReceipt:
        return contact_form.see_other(f"/embed/{slug}")
    return render_template("done.html", definition=definition, embed=definition, receipt=receipt)


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
    response = Response(colour.stylesheet(definition.accent), mimetype="text/css")
    if request.args.get("v") == colour.digest(definition.accent):
        response.headers["Cache-Control"] = assets.FOR_A_YEAR
    return response


def _accepted(form: ContactForm, outcome: Outcome) -> Response:
    receipt = contact_form.receipt(form, outcome)
    return contact_form.see_other(f"/embed/{form.definition.slug}/done?r={receipt}")
