"""The way of a form through a view. A page and a frame differ in how they say the end alone."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response, render_template, request

from webapp import guard, wording
from webapp.definitions import Access
from webapp.delivery import Outcome, Result, reference, submission_key
from webapp.forms import HONEYPOT
from webapp.layout import arrange
from webapp.outbox import StoreError
from webapp.verdict import Rejected
from webapp.views import services

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.contact import Contact
    from webapp.forms import ContactForm

Answer = Response | tuple[str, HTTPStatus]


def serve(
    form: ContactForm, *, accepted: Callable[[ContactForm, Outcome], Response], **context: Any
) -> Answer:
    """Show a form, or take what was sent.

    Args:
        form: The form of this request.
        accepted: What answers a submission that was delivered, or will be.
        context: What else the template needs.
    """
    if request.method != "POST":
        return page(form, **context), HTTPStatus.OK
    if status := _refusal(form):
        return page(form, **context), status
    contact = form.to_contact()
    key = submission_key(form.token.nonce, contact)
    # Taken on first: the same submission sent again costs nothing and proves nothing anew.
    outcome = services().delivery.take(key) or _decide(form, contact, key)
    if isinstance(outcome, HTTPStatus):
        return page(form, **context), outcome
    if outcome.result in (Result.DELIVERED, Result.QUEUED):
        return accepted(form, outcome)
    status = _failure(form, outcome)
    return page(form, outcome, **context), status


def _decide(form: ContactForm, contact: Contact, key: str) -> Outcome | HTTPStatus:
    """Send or hold what is no spam; else return the status of the form that comes back."""
    delivery = services().delivery
    try:
        status = _spam(form)
    except StoreError:
        return Outcome(result=Result.UNSTORED, reference=reference(key))
    if status:
        delivery.release(key)
        return status
    if reason := _doubt(form):
        return delivery.hold(contact, key, form=form.definition.slug, reason=reason)
    return delivery.send(contact, key)


def _failure(form: ContactForm, outcome: Outcome) -> HTTPStatus:
    """Return the status of what was not accepted; a fault of the contact goes to its field."""
    if isinstance(outcome.error, Rejected):
        form.refuse(outcome.error.message, field=outcome.error.field)
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.SERVICE_UNAVAILABLE


def page(form: ContactForm, outcome: Outcome | None = None, **context: Any) -> str:
    """Return a form's page, with what is wrong or what became of it."""
    definition = form.definition
    challenge = services().proofs.challenge(form=definition.slug) if "proof" in form else ""
    return render_template(
        "form.html",
        form=form,
        definition=definition,
        public=definition.access is Access.PUBLIC,
        honeypot=HONEYPOT,
        challenge=challenge,
        layout=arrange(form),
        problems=form.problems,
        outcome=outcome,
        **context,
    )


def see_other(address: str) -> Response:
    """Lead on with a GET; the answer has no body, which would be English."""
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})


def receipt(form: ContactForm, outcome: Outcome) -> str:
    """Return what the address of the last page says, without personal data."""
    return services().receipts.issue(
        form.definition.slug,
        result=outcome.result,
        reference=outcome.reference,
        site=form.token.site,
    )


def _refusal(form: ContactForm) -> HTTPStatus | None:
    """Return the status of a form that is not taken; its message stands in the form."""
    is_valid = form.validate()
    if (request.content_length or 0) > guard.MAX_BODY:
        form.refuse(wording.TOO_LARGE)
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if not is_valid:
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return None


def _spam(form: ContactForm) -> HTTPStatus | None:
    """Return the status of what may be spam; its message stands in the form."""
    if form.definition.access is Access.PUBLIC and form.token.is_too_young:
        form.refuse(wording.FORM_TOO_YOUNG)
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if not _is_within_limits(form):
        form.refuse(wording.TOO_MANY)
        return HTTPStatus.TOO_MANY_REQUESTS
    if not _is_proven(form):
        form.refuse(wording.UNPROVEN)
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return None


def _is_within_limits(form: ContactForm) -> bool:
    if form.definition.access is not Access.PUBLIC:
        return True
    limits = services().limits
    address = request.remote_addr or ""
    return limits.allow_form(form=form.definition.slug, address=address) and limits.allow_mobile(
        mobile=form["Mobile"].data
    )


def _is_proven(form: ContactForm) -> bool:
    """Judge a proof of work that came. One that is missing is a doubt, not an error: no script."""
    answer: str = form.proof.data if "proof" in form else ""
    return answer == "" or services().proofs.is_solved(answer, form=form.definition.slug)


def _doubt(form: ContactForm) -> str:
    """Return why an operator should look at a submission first, or ""."""
    if form.is_baited:
        return "honeypot"
    return "proof" if "proof" in form and not form.proof.data else ""
