"""A form on a page of its own: `/` for the first intranet form, `/f/<slug>` for any."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, flash, render_template, request, session

from webapp import guard, wording
from webapp.definitions import Access, main_form
from webapp.delivery import Result, submission_key
from webapp.forms import KEPT
from webapp.layout import arrange
from webapp.verdict import Rejected
from webapp.views import services

if TYPE_CHECKING:
    from webapp.definitions import FormDefinition
    from webapp.delivery import Outcome
    from webapp.forms import ContactForm

blueprint = Blueprint("page", __name__)

Answer = tuple[str, HTTPStatus]


@blueprint.route("/", methods=["GET", "POST"])
def main() -> Response | Answer:
    """Serve the first intranet form."""
    definition = main_form(services().definitions)
    return _serve(definition) if definition else abort(HTTPStatus.NOT_FOUND)


@blueprint.route("/f/<slug>", methods=["GET", "POST"])
def form(slug: str) -> Response | Answer:
    """Serve the form of this slug."""
    definition = services().definitions.get(slug)
    return _serve(definition) if definition else abort(HTTPStatus.NOT_FOUND)


def _serve(definition: FormDefinition) -> Response | Answer:
    if definition.access is Access.INTRANET:
        guard.require_intranet(services().settings)
    form = services().forms[definition.slug](data=session.get(_kept(definition)))
    if request.method != "POST":
        return _page(form), HTTPStatus.OK
    is_valid = form.validate()
    if (request.content_length or 0) > guard.MAX_BODY:
        form.refuse(wording.TOO_LARGE)
        return _page(form), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if not is_valid:
        return _page(form), HTTPStatus.UNPROCESSABLE_ENTITY
    return _submit(form)


def _submit(form: ContactForm) -> Response | Answer:
    contact = form.to_contact()
    outcome = services().delivery.submit(contact, submission_key(form.nonce, contact))
    if outcome.result in (Result.DELIVERED, Result.QUEUED):
        _keep(form)
        flash(outcome.reference, category=outcome.result)
        return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": request.path})
    if isinstance(outcome.error, Rejected):
        form.refuse(outcome.error.message, field=outcome.error.field)
        return _page(form, outcome), HTTPStatus.UNPROCESSABLE_ENTITY
    return _page(form, outcome), HTTPStatus.SERVICE_UNAVAILABLE


def _page(form: ContactForm, outcome: Outcome | None = None) -> str:
    return render_template(
        "form.html",
        form=form,
        definition=form.definition,
        public=form.definition.access is Access.PUBLIC,
        layout=arrange(form),
        problems=form.problems,
        outcome=outcome,
    )


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
