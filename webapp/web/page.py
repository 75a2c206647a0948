"""A form on its own page: `/` for the first intranet form, `/f/<slug>` for any."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, abort, get_flashed_messages, request, session

from webapp.contact import FIELDS, MOBILE
from webapp.forms import ContactForm
from webapp.forms.definitions import Access, FormDefinition, main_form
from webapp.forms.tokens import InvalidToken, Receipt
from webapp.outbox.submit import Outcome
from webapp.web import contact, correction, submitting
from webapp.web.rendering import require_intranet, see_other, services
from webapp.web.rendering.recent import find_entry, remember

blueprint = Blueprint("page", __name__)


@blueprint.route("/", methods=["GET", "POST"])
def main() -> contact.ViewResult:
    """Serve the first intranet form."""
    definition = main_form(services().definitions)
    return _serve(definition) if definition else abort(HTTPStatus.NOT_FOUND)


@blueprint.route("/f/<slug>", methods=["GET", "POST"])
def form(slug: str) -> contact.ViewResult:
    """Serve the form of this slug."""
    definition = services().definitions.get(slug)
    return _serve(definition) if definition else abort(HTTPStatus.NOT_FOUND)


def _serve(definition: FormDefinition) -> contact.ViewResult:
    is_operator = definition.access is Access.INTRANET
    if is_operator:
        require_intranet()
    if is_operator and request.method == "GET" and request.cookies and "r" in request.args:
        return see_other(request.path)  # the session has the receipt, too
    kept = _initial_values(definition) if is_operator else None
    pause = services().delivery.breaker.pause if is_operator else None
    receipt = _receipt(definition)
    is_new = request.method == "GET" and (is_operator or not receipt)
    if is_new:
        return contact.new_form(definition, kept=kept, receipt=receipt, pause=pause)
    form = services().forms[definition.slug](data=kept)
    if request.method != "POST":
        return contact.page(form, receipt=receipt, pause=pause), HTTPStatus.OK
    if is_operator and "confirm" in request.form and (answer := correction.answered(form)):
        return answer
    result = submitting.receive(form, receipt=receipt, pause=pause)
    return _accepted(form, result) if isinstance(result, Outcome) else result


def _accepted(form: ContactForm, outcome: Outcome) -> Response:
    """Redirect an operator to the next form, a visitor to the receipt, without a cookie."""
    url = request.path
    definition, site = form.definition, form.token.site
    is_operator = definition.access is Access.INTRANET
    mobile = form[MOBILE].data if is_operator else ""
    receipt = submitting.issue_receipt(definition, outcome, site=site, mobile=mobile)
    if not is_operator:
        return see_other(f"{url}?r={receipt}")
    _keep(form)
    return remember(submitting.show_receipt(url, receipt), form.to_contact(), outcome)


def _receipt(definition: FormDefinition) -> Receipt | None:
    text = request.args.get("r", "")
    if definition.access is Access.INTRANET:
        flashed = [str(message) for message in get_flashed_messages()]
        # The address of a POST is still that of the form, whose receipt is an older one.
        text = flashed[-1] if flashed else text if request.method == "GET" else ""
    if not text:
        return None
    try:
        return services().tokens.read_receipt(text, form=definition.slug)
    except InvalidToken:
        return None


def _initial_values(definition: FormDefinition) -> dict[str, object] | None:
    """Return the values with which a form begins: those kept, and those of a similar contact."""
    kept: dict[str, object] | None = session.get(_kept(definition))
    similar = find_entry(request.args["like"]) if "like" in request.args else None
    return {**(kept or {}), **similar.shared} if similar else kept


def _kept(definition: FormDefinition) -> str:
    return f"kept:{definition.slug}"


def _keep(form: ContactForm) -> None:
    """Keep values in the session for the next contact, if the operator has chosen so."""
    name = _kept(form.definition)
    if "keep" in form and form.keep.data:
        session[name] = {"keep": True} | {
            field.name: field.data
            for field in form.contact_fields
            if FIELDS[field.name].can_be_kept
        }
    else:
        session.pop(name, None)
