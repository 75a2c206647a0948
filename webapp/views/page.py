"""A form on a page of its own: `/` for the first intranet form, `/f/<slug>` for any."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, flash, get_flashed_messages, request, session

from webapp.definitions import Access, main_form
from webapp.forms import KEPT
from webapp.views import require_intranet, services, submission

if TYPE_CHECKING:
    from webapp.definitions import FormDefinition
    from webapp.delivery import Outcome
    from webapp.forms import ContactForm

blueprint = Blueprint("page", __name__)


@blueprint.route("/", methods=["GET", "POST"])
def main() -> submission.Answer:
    """Serve the first intranet form."""
    definition = main_form(services().definitions)
    return _serve(definition) if definition else abort(HTTPStatus.NOT_FOUND)


@blueprint.route("/f/<slug>", methods=["GET", "POST"])
def form(slug: str) -> submission.Answer:
    """Serve the form of this slug."""
    definition = services().definitions.get(slug)
    return _serve(definition) if definition else abort(HTTPStatus.NOT_FOUND)


def _serve(definition: FormDefinition) -> submission.Answer:
    if definition.access is Access.INTRANET:
        require_intranet()
    form = services().forms[definition.slug](data=session.get(_kept(definition)))
    done = get_flashed_messages(with_categories=True)
    return submission.serve(form, accepted=_accepted, done=done)


def _accepted(form: ContactForm, outcome: Outcome) -> Response:
    _keep(form)
    flash(outcome.reference, category=outcome.result)
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": request.path})


def _kept(definition: FormDefinition) -> str:
    return f"kept:{definition.slug}"


def _keep(form: ContactForm) -> None:
    """Remember the city and the labels for the next contact, if the operator ticked that."""
    name = _kept(form.definition)
    if "keep" in form and form.keep.data:
        session[name] = {"keep": True} | {
            field.name: field.data for field in form.asked if field.name in KEPT
        }
    else:
        session.pop(name, None)
