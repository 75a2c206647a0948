"""A public form in another site's iframe: without a cookie, with signed receipts."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, abort, current_app, render_template, request

from webapp.forms import colour
from webapp.forms.tokens import InvalidToken
from webapp.outbox.submit import Outcome
from webapp.web import contact, submitting
from webapp.web.rendering import public_form, responses, see_other, services

blueprint = Blueprint("embed", __name__)


@blueprint.route("/embed/<slug>", methods=["GET", "POST"])
def form(slug: str) -> contact.ViewResult:
    """Serve the form of this slug for an iframe."""
    definition = public_form(slug)
    if request.method == "GET":
        return contact.new_form(definition, embedded=True)
    form = services().forms[slug]()
    result = submitting.receive(form, embed=definition)
    if not isinstance(result, Outcome):
        return result
    receipt = submitting.issue_receipt(definition, result, site=form.token.site)
    return see_other(f"/embed/{slug}/done?r={receipt}")


@blueprint.get("/embed/<slug>/done")
def done(slug: str) -> str | Response:
    """Show the outcome of a receipt; without a valid one, redirect to the form."""
    definition = public_form(slug)
    try:
        receipt = services().tokens.read_receipt(request.args.get("r", ""), form=slug)
    except InvalidToken:
        return see_other(f"/embed/{slug}")
    title = contact.done_title(definition, receipt)
    context = {"definition": definition, "embed": definition, "receipt": receipt, "title": title}
    return render_template("embed/done.html", **context)


@blueprint.get("/embed.js")
def script() -> Response:
    """Serve the snippet's script under a stable URL, which other sites link."""
    response = current_app.send_static_file("embed.js")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/accent/<slug>.css")
def style(slug: str) -> Response:
    """Serve the form's own colour: the policy forbids inline styles."""
    definition = services().definitions.get(slug)
    if not definition or not definition.accent:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(colour.stylesheet(definition.accent), mimetype="text/css")
    if request.args.get("v") == colour.digest(definition.accent):
        response.headers["Cache-Control"] = responses.CACHE_FOR_A_YEAR
    return response
