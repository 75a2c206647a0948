"""The way of a form through a view. A page and a frame differ in how they say the end alone."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response, render_template, request

from webapp import guard, wording
from webapp.definitions import Access
from webapp.delivery import Result, submission_key
from webapp.forms import HONEYPOT
from webapp.layout import arrange
from webapp.outbox import StoreError
from webapp.verdict import Rejected
from webapp.views import services

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.contact import Contact
    from webapp.delivery import Outcome
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
    key = submission_key(form.nonce, contact)
    outcome = services().delivery.earlier(key)
    if outcome is None:
        if status := _spam(form):
            return page(form, **context), status
        outcome = _submit(form, contact, key)
    if outcome.result in (Result.DELIVERED, Result.QUEUED):
        return accepted(form, outcome)
    if isinstance(outcome.error, Rejected):
        form.refuse(outcome.error.message, field=outcome.error.field)
        return page(form, outcome, **context), HTTPStatus.UNPROCESSABLE_ENTITY
    return page(form, outcome, **context), HTTPStatus.SERVICE_UNAVAILABLE


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
    try:
        is_proven = _is_proven(form)
    except StoreError:
        form.refuse(wording.UNSTORED_PUBLIC)
        return HTTPStatus.SERVICE_UNAVAILABLE
    if not is_proven:
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


def _submit(form: ContactForm, contact: Contact, key: str) -> Outcome:
    if reason := _doubt(form):
        return services().delivery.hold(contact, key, form=form.definition.slug, reason=reason)
    return services().delivery.submit(contact, key)


def _doubt(form: ContactForm) -> str:
    """Return why an operator should look at a submission first, or ""."""
    if form.is_baited:
        return "honeypot"
    return "proof" if "proof" in form and not form.proof.data else ""
