"""Submits a form's contact: an operator's at once, a visitor's after the checks against spam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import request

from webapp.contact import MOBILE
from webapp.delivery.database import DatabaseError
from webapp.delivery.funnel import Step
from webapp.delivery.intake import submission_key
from webapp.delivery.outcome import STORE_FAILED, Outcome, Result
from webapp.delivery.submission import Submitter, reference
from webapp.forms.definitions import Access
from webapp.forms.tokens import InvalidToken
from webapp.web.views import see_other, services
from webapp.web.views.vetting import request_code, vet, vet_code, vet_verified

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from webapp.contact import Contact
    from webapp.delivery.code_sender import Policy
    from webapp.forms.form import ContactForm
    from webapp.forms.tokens import SubmissionToken

# In the address of the code step: "1" after another code was sent, "0" if none was.
SENT: Final = "sent"


def submit(form: ContactForm, contact: Contact) -> Outcome:
    """Submit a form's contact as a new submission.

    Raises:
        Refusal: if it may be spam.
    """
    if form.definition.access is Access.PUBLIC:
        return _submit_visitors(form, contact)
    operator, key = services().basic_auth.operator, submission_key(form.token.nonce, contact)
    return services().delivery.intake.submit(
        contact,
        key,
        form=form.definition.slug,
        shown=form.definition.shown,
        by=Submitter(operator=operator),
    )


def _submit_visitors(form: ContactForm, contact: Contact) -> Outcome:
    """Submit a visitor's contact; count it in the funnel, once however often it is sent."""
    slug, policy = form.definition.slug, form.definition.verification
    replaced, vetted = _previous(slug), list[str]()
    previous, key = replaced.key if replaced else "", _key(form, contact, replaced)

    def counted(check: Callable[[ContactForm, str], str]) -> str:
        suspicion = check(form, key)
        vetted.append(key)
        return suspicion

    if policy:
        outcome = _submit_unverified(form, contact, key, policy, previous, counted)
    else:
        outcome = services().delivery.intake.submit(
            contact,
            key,
            form=slug,
            shown=form.definition.shown,
            by=_visitor(form),
            vet=lambda: counted(vet),
        )
    if vetted and not previous and outcome.result is not Result.UNSTORED:
        services().delivery.funnel.count(slug, Step.SUBMITTED)
    return outcome


def _submit_unverified(
    form: ContactForm,
    contact: Contact,
    key: str,
    policy: Policy,
    previous: str,
    vetted: Callable[[Callable[[ContactForm, str], str]], str],
) -> Outcome:
    """Submit a contact whose number is verified by SMS first, unless that was done just before.

    Args:
        form: Its form.
        contact: What was submitted.
        key: The submission's key.
        policy: How the form verifies numbers.
        previous: The key of the submission that this one replaces, or "".
        vetted: Runs a check against spam.
    """
    delivery, slug, by = services().delivery, form.definition.slug, _visitor(form)
    lost = Outcome(result=Result.UNSTORED, reference=reference(key), status=STORE_FAILED)
    try:
        if delivery.verification.has_verified(previous, str(contact[MOBILE])):
            return delivery.intake.submit(
                contact,
                key,
                form=slug,
                shown=form.definition.shown,
                by=by,
                vet=lambda: vetted(vet_verified),
            )
        step = delivery.verification.start(
            *(contact, key),
            form=slug,
            by=by,
            request=request_code(policy),
            vet=lambda: vetted(vet_code),
        )
        outcome = step.outcome or lost
        is_taken = outcome.result not in (Result.UNSTORED, Result.REJECTED)
        if is_taken and previous != key:
            delivery.verification.forget(previous)
    except DatabaseError:
        return lost
    if step.is_code_out and not previous:
        delivery.funnel.count(slug, Step.CODE_SENT)
    return outcome


def _visitor(form: ContactForm) -> Submitter:
    return Submitter(source=form.arrival.source)


def _key(form: ContactForm, contact: Contact, previous: SubmissionToken | None) -> str:
    """Return a submission's key: that of the one which it replaces, if nothing was changed."""
    if previous and previous.unchanged == submission_key(previous.key, contact):
        return previous.key
    return submission_key(form.token.nonce, contact)


def _previous(slug: str) -> SubmissionToken | None:
    """Return what a corrected form says of the submission that it replaces, if it does."""
    try:
        return services().tokens.read_submission(request.form.get("previous", ""), form=slug)
    except InvalidToken:
        return None


def previous_token(slug: str) -> str:
    """Return the token of that submission, for the form that comes back with an error, or ""."""
    return request.form["previous"] if _previous(slug) else ""


def ask_code(form: ContactForm, outcome: Outcome) -> Response:
    """Redirect to the step that asks for the code, with what the form takes from the address."""
    slug, site = form.definition.slug, form.token.site
    key = _key(form, form.to_contact(), _previous(slug))
    token = services().tokens.issue_submission(slug, key=key, site=site)
    unsent = {SENT: "0"} if outcome.status else {}
    query = urlencode({"s": token, **form.arrival.query, **unsent})
    return see_other(f"{request.path}/code?{query}")
