"""The way of a form through a view. A page and a frame differ in how they say the end alone."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Response, render_template, request
from markupsafe import escape

from webapp import messages
from webapp.contact import MOBILE
from webapp.delivery.intake import Result, submission_key
from webapp.delivery.submission import HONEYPOT, UNPROVEN
from webapp.forms.definitions import Access
from webapp.forms.form import HONEYPOT_INPUT, showing_site
from webapp.forms.layout import arrange
from webapp.forms.request_origin import own_origin
from webapp.portal.base import status_message
from webapp.portal.statuses import rejected_field
from webapp.web import compression
from webapp.web.page_cache import CachedPage, placeholder
from webapp.web.request import MAX_BODY
from webapp.web.views import services

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.contact import Contact
    from webapp.delivery.intake import Outcome
    from webapp.forms.definitions import FormDefinition
    from webapp.forms.form import ContactForm

Answer = Response | tuple[str, HTTPStatus] | tuple[str, HTTPStatus, dict[str, str]]

_MOST_BLANKS: Final = 100
_INVALID: Final = "invalid"  # among the metrics, whatever it was that came back to the person


def _submit(form: ContactForm, contact: Contact) -> Outcome:
    """Submit the contact of a form as a new one.

    Raises:
        _Refusal: if it may be spam.
    """
    key = submission_key(form.token.nonce, contact)
    intake, slug = services().delivery.intake, form.definition.slug
    if form.definition.access is Access.PUBLIC:
        return intake.submit(contact, key, form=slug, vet=partial(_vet, form, key))
    return intake.submit(contact, key, form=slug, operator=services().basic_auth.operator)


def serve(
    form: ContactForm,
    *,
    accepted: Callable[[ContactForm, Outcome], Response],
    submit: Callable[[ContactForm, Contact], Outcome] = _submit,
    **context: Any,
) -> Answer:
    """Show a form, or take what was sent.

    Args:
        form: The form of this request.
        accepted: What answers a submission that was delivered, or will be.
        submit: What is done with the contact.
        context: What else the template needs.
    """
    if request.method != "POST":
        return page(form, **context), HTTPStatus.OK
    count = services().metrics.count_submission
    if status := _refusal(form):
        count(form.definition.slug, _INVALID)
        return page(form, **context), status
    try:
        outcome = submit(form, form.to_contact())
    except _Refusal as refusal:
        count(form.definition.slug, _INVALID)
        form.refuse(refusal.message)
        return page(form, **context), refusal.status, refusal.headers
    if outcome.result in (Result.DELIVERED, Result.QUEUED):
        return accepted(form, outcome)
    status = _failure(form, outcome)
    return page(form, outcome, **context), status


def _failure(form: ContactForm, outcome: Outcome) -> HTTPStatus:
    """Return the status of what was not accepted; a fault of the contact goes to its field."""
    if outcome.result is Result.REJECTED:
        form.refuse(status_message(outcome.status), field=rejected_field(outcome.status))
        form.start_anew()
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.SERVICE_UNAVAILABLE


def blank(definition: FormDefinition, *, embedded: bool = False) -> Response:
    """Show a form in which nothing is filled in, and nothing is to be said."""
    name = definition.slug, embedded, own_origin()
    cached_pages = services().cached_pages
    if name not in cached_pages:
        if len(cached_pages) >= _MOST_BLANKS:  # of hosts that only a robot calls us by
            cached_pages.clear()
        cached_pages[name] = _render_blank(definition, embedded=embedded)
    texts = [services().tokens.issue(definition.slug, site=showing_site(definition))]
    if definition.proof_of_work:
        texts = [escape(_challenge(definition)), *texts]
    return compression.answer(cached_pages[name], [text.encode() for text in texts])


def _render_blank(definition: FormDefinition, *, embedded: bool) -> CachedPage:
    form = services().forms[definition.slug]()
    token = form.csrf_token.current_token = placeholder()
    challenge = placeholder() if definition.proof_of_work else ""
    context: dict[str, Any] = {"embed": definition} if embedded else {}
    html = page(form, challenge=challenge, receipt=None, pause=None, **context)
    # In the order of the page: the challenge is the form's attribute.
    return CachedPage(html, [challenge, token] if challenge else [token])


def _challenge(definition: FormDefinition) -> str:
    if not definition.proof_of_work:
        return ""
    return services().proof_of_work.challenge(form=definition.slug)


def page(
    form: ContactForm,
    outcome: Outcome | None = None,
    *,
    challenge: str | None = None,
    **context: Any,
) -> str:
    """Return a form's page, with what is wrong or what became of it."""
    definition = form.definition
    if challenge is None:
        challenge = _challenge(definition)
    return render_template(
        "form.html",
        form=form,
        definition=definition,
        public=definition.access is Access.PUBLIC,
        honeypot=HONEYPOT_INPUT,
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
    """Return what the next page says, without personal data: it may stand in an address.

    A visitor hears nothing of the account's troubles.
    """
    is_operator = form.definition.access is Access.INTRANET
    return services().receipts.issue(
        form.definition.slug,
        result=outcome.result,
        reference=outcome.reference,
        site=form.token.site,
        status=outcome.status if is_operator else "",
    )


def _refusal(form: ContactForm) -> HTTPStatus | None:
    """Return the status of a form that is not taken; its message stands in the form."""
    is_valid = form.validate()
    if (request.content_length or 0) > MAX_BODY:
        form.refuse(messages.TOO_LARGE)
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if not is_valid:
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return None


class _Refusal(Exception):
    """What may be spam, and comes back to the person with a message."""

    def __init__(self, message: str, status: HTTPStatus, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.message = message
        self.status = status


def _vet(form: ContactForm, key: str) -> str:
    """Return why an operator should look at a visitor's submission first, or "".

    Raises:
        _Refusal: if it may be spam.
    """
    if form.token.is_too_young:
        raise _Refusal(messages.FORM_TOO_YOUNG, HTTPStatus.UNPROCESSABLE_ENTITY)
    if not _is_within_limits(form):
        pause = services().limits.retry_after
        raise _Refusal(messages.TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS, pause)
    if not _is_proven(form, key):
        raise _Refusal(messages.UNPROVEN, HTTPStatus.UNPROCESSABLE_ENTITY)
    if form.is_baited:
        return HONEYPOT
    return UNPROVEN if "proof" in form and not form.proof.data else ""


def _is_within_limits(form: ContactForm) -> bool:
    limits = services().limits
    address = request.remote_addr or ""
    return limits.allow_form(form=form.definition.slug, address=address) and limits.allow_mobile(
        mobile=form[MOBILE].data
    )


def _is_proven(form: ContactForm, key: str) -> bool:
    """Judge a proof of work that came. One that is missing is a doubt, not an error: no script."""
    answer: str = form.proof.data if "proof" in form else ""
    return answer == "" or services().proof_of_work.is_solved(
        answer, form=form.definition.slug, key=key
    )
