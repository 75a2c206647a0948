"""The way of a POST of a form: all checks first, then one call that submits its contact.

check ──> a refusal: the form again, with what is wrong
  └─────> submit ──> delivered or queued: the caller shows the receipt
             ├─────> the step that asks for a code
             └─────> rejected or not stored: the form again
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response, flash, request

from webapp import messages
from webapp.contact import MOBILE, Contact
from webapp.database import DatabaseError
from webapp.forms import ContactForm
from webapp.forms.definitions import Access, FormDefinition
from webapp.forms.tokens import Receipt
from webapp.messages import public as texts
from webapp.outbox.rows import HONEYPOT, UNPROVEN, Submitter
from webapp.outbox.submit import Outcome, Result, submission_key
from webapp.persian import persian_digits
from webapp.portal import KnownContact, status_message
from webapp.statistics.funnel import FunnelStep
from webapp.verification.sender import CodeRequest, Networks, Policy
from webapp.web import closing
from webapp.web.closing import Closure
from webapp.web.contact import ViewResult, is_confirmed, page, previous_submission
from webapp.web.rendering import see_other, services
from webapp.web.security import MAX_BODY_BYTES
from webapp.web.security.rate_limits import LimitReached, address_prefix

# In the address of the code step: "1" after another code was sent, "0" if none was.
SENT: Final = "sent"

_INVALID: Final = "invalid"  # the outcome in the metrics of a form that was not accepted


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a contact is not submitted.

    Attributes:
        status: Of the response.
        message: For the person; "" if the form's fields hold the errors.
        retry_after_s: Seconds to wait.
        known: Contacts with the same number, about which an operator is asked first.
        outcome: That nothing could be stored, if the database failed.
        closure: That the form takes no submission.
    """

    status: HTTPStatus
    message: str = ""
    retry_after_s: int | None = None
    known: Sequence[KnownContact] = ()
    outcome: Outcome | None = None
    closure: Closure | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedContact:
    """A contact that may be submitted.

    Attributes:
        contact: The contact.
        key: The submission's key.
        suspicion: Why an operator should review it first, or "".
        policy: How its number is verified by SMS first, if it is.
        replaces: The key of the submission that this one replaces, or "".
    """

    contact: Contact
    key: str
    suspicion: str = ""
    policy: Policy | None = None
    replaces: str = ""

    @property
    def replaced_key(self) -> str:
        """The key of another submission that this one replaces, or ""."""
        return self.replaces if self.replaces != self.key else ""


def receive(form: ContactForm, **context: Any) -> Outcome | ViewResult:
    """Handle the POST of a form.

    Returns:
        The outcome of a submission that was delivered, or will be; else the response.
    """
    checked = check(form)
    if isinstance(checked, Refusal):
        return refuse(form, checked, **context)
    outcome = _submit(form, checked)
    if outcome.is_new and outcome.result is not Result.REJECTED and not checked.replaces:
        _count_choices(form)
    if outcome.result is Result.CODE:
        return _ask_code(form, checked.key, outcome)
    if outcome.result is Result.FULL:
        services().delivery.places.read_taken(form.definition.slug)  # for the next page
        return closing.page(form.definition, closing.FULL, form, **context)
    return outcome if outcome.is_accepted else show_failure(form, outcome, **context)


# The checks


def check(form: ContactForm, *, corrects: str = "") -> CheckedContact | Refusal:
    """Check a POST: its token and fields, its size, and duplicates or spam.

    Before, `security` has refused other origins and malformed bodies, and strangers on operators'
    pages.

    Args:
        form: The form of this request.
        corrects: The reference of the submission that the form corrects, or "".
    """
    if form.definition.asks_about_duplicates and request.form.get("confirm") == "cancel":
        return Refusal(HTTPStatus.OK)  # of the question: the form as it was filled in
    if not form.validate():
        if (request.content_length or 0) > MAX_BODY_BYTES:
            return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, messages.TOO_LARGE)
        return _closed(form) or Refusal(HTTPStatus.UNPROCESSABLE_ENTITY)
    contact = form.to_contact()
    if form.definition.access is Access.PUBLIC:
        return _check_visitors(form, contact)
    key = submission_key(form.token.nonce, contact)
    if form.definition.asks_about_duplicates and not is_confirmed(form):
        duplicates = services().delivery.duplicates
        mobile = str(contact[MOBILE])
        known = (
            duplicates.with_mobile(mobile, but=corrects)
            if corrects
            else duplicates.find(contact, key)
        )
        if known:
            labels = (*contact.labels, *form.definition.label_choices)
            known = duplicates.with_labels(known, mobile, labels)
            return Refusal(HTTPStatus.CONFLICT, known=known)
    return CheckedContact(contact=contact, key=key)


def _check_visitors(form: ContactForm, contact: Contact) -> CheckedContact | Refusal:
    """Check a visitor's contact for spam; what is stored already was checked when it came first.

    The proof and the limits count a submission once, however often and wherever it is sent.
    """
    delivery, slug = services().delivery, form.definition.slug
    replaced = previous_submission(slug)
    replaces = replaced.key if replaced else ""
    is_unchanged = replaced and replaced.unchanged == submission_key(replaces, contact)
    key = replaces if is_unchanged else submission_key(form.token.nonce, contact)
    policy, suspicion = form.definition.verification, ""
    try:
        if delivery.verification.has_verified(replaces, str(contact[MOBILE])):
            policy = None
        if not delivery.outbox.find(key):
            refusal = (
                _closed(form)
                or _too_young(form)
                or _wrong_proof(form, key)
                or _over_limit(form, key)
            )
            suspicion = "" if refusal else _suspicion(form, key, policy)
            if suspicion:
                refusal = _too_many_suspects(form, key)
            elif policy and not refusal:
                refusal = _too_many_codes_for(form)
            if refusal:
                return refusal
    except DatabaseError as error:
        outcome = delivery.intake.outcome_after_error(slug, key, error)
        if outcome.result is Result.UNSTORED:  # else it was checked before
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, outcome=outcome)
    return CheckedContact(
        contact=contact, key=key, suspicion=suspicion, policy=policy, replaces=replaces
    )


def _closed(form: ContactForm) -> Refusal | None:
    """Refuse a form that takes no submission; one that corrects a submission came in time."""
    if form.definition.access is not Access.PUBLIC:
        return None
    replaced = previous_submission(form.definition.slug)
    closure = closing.closure_for(form, replaced.key if replaced else "")
    return Refusal(HTTPStatus.CONFLICT, closure=closure) if closure else None


def _too_young(form: ContactForm) -> Refusal | None:
    if not form.token.is_too_young:
        return None
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, messages.FORM_TOO_YOUNG)


def _wrong_proof(form: ContactForm, key: str) -> Refusal | None:
    """Refuse a wrong proof of work. A missing one is suspect, but no error."""
    answer: str = (form.proof.data or "") if "proof" in form else ""
    proofs = services().proof_of_work
    if answer == "" or proofs.is_solved(answer, form=form.definition.slug, key=key):
        return None
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, messages.UNPROVEN)


def _over_limit(form: ContactForm, key: str) -> Refusal | None:
    limits, address = services().rate_limits, request.remote_addr or ""
    services().intranet.warn_of_shared_limits()
    try:
        limits.count_form(form=form.definition.slug, address=address, key=key)
        limits.count_mobile(mobile=form[MOBILE].data, key=key)
    except LimitReached as reached:
        return _too_many(messages.TOO_MANY, reached.retry_after)
    return None


def _suspicion(form: ContactForm, key: str, policy: Policy | None) -> str:
    """Return why an operator should review a contact first, or ""."""
    if form.is_honeypot_filled:
        return HONEYPOT
    if "proof" not in form or form.proof.data:
        return ""
    if not form.definition.verification:
        return UNPROVEN
    if policy:  # a number without a proof gets a code, too, but under a tighter limit
        try:
            services().rate_limits.count_unproven_code(form=form.definition.slug, key=key)
        except LimitReached:
            return UNPROVEN
    return ""


def _too_many_suspects(form: ContactForm, key: str) -> Refusal | None:
    """Refuse what robots may have sent once a form has had too many: they wait for operators."""
    limits, address = services().rate_limits, request.remote_addr or ""
    try:
        limits.count_suspect(form=form.definition.slug, address=address, key=key)
    except LimitReached as reached:
        return _too_many(messages.TOO_MANY, reached.retry_after)
    return None


def _too_many_codes_for(form: ContactForm) -> Refusal | None:
    """Refuse a number that has had too many codes, before anything is stored."""
    reached = services().delivery.codes.number_reached(form[MOBILE].data)
    return too_many_codes(reached.retry_after_s) if reached else None


def too_many_codes(retry_after_s: float) -> Refusal:
    """Return the refusal of a code to a number that has had too many."""
    services().metrics.count_refusal("LIMIT_CODE_MOBILE")
    return _too_many(texts.TOO_MANY, retry_after_s)


def _too_many(message: str, retry_after_s: float) -> Refusal:
    """Return a refusal that says how many minutes to wait."""
    minutes = persian_digits(math.ceil(retry_after_s / 60))
    return Refusal(
        HTTPStatus.TOO_MANY_REQUESTS, message.format(n=minutes), math.ceil(retry_after_s)
    )


# What is submitted, and its outcome


def _submit(form: ContactForm, checked: CheckedContact) -> Outcome:
    """Submit a contact that has passed the checks; one whose number is verified gets a code."""
    delivery, definition = services().delivery, form.definition
    is_public = definition.access is Access.PUBLIC
    by = (
        Submitter(source=form.arrival.source, replaces=checked.replaced_key)
        if is_public
        else Submitter(operator=services().basic_auth.operator)
    )
    if checked.policy:
        return delivery.verification.start(
            *(checked.contact, checked.key),
            form=definition.slug,
            by=by,
            request=request_code(checked.policy),
            suspicion=checked.suspicion,
        )
    outcome = delivery.intake.submit(
        *(checked.contact, checked.key),
        form=definition.slug,
        shown=definition.shown,
        by=by,
        suspicion=checked.suspicion,
    )
    if outcome.is_new and is_public and not checked.replaces:
        delivery.funnel.count(definition.slug, FunnelStep.SUBMITTED)
    return outcome


def _count_choices(form: ContactForm) -> None:
    """Count for statistics what was chosen from a field's choices."""
    definition = form.definition
    chosen = {row.name: form[row.name].data for row in definition.fields if row.choices}
    if chosen := {name: choice for name, choice in chosen.items() if choice}:
        services().delivery.funnel.count_choices(definition.slug, chosen)


def request_code(policy: Policy) -> CodeRequest:
    """Return the request for a code to the sender of this HTTP request."""
    address = request.remote_addr or ""
    networks = Networks(address_prefix(address), address_prefix(address, wide=True))
    return CodeRequest(policy, networks)


def refuse(form: ContactForm, refusal: Refusal, **context: Any) -> ViewResult:
    """Show a form again whose contact is not submitted."""
    status, outcome = refusal.status, refusal.outcome
    if not (outcome or refusal.known or status is HTTPStatus.OK):
        services().metrics.count_submission(form.definition.slug, _INVALID)
    if refusal.closure:
        return closing.page(form.definition, refusal.closure, form, **context)
    if refusal.message:
        form.refuse(refusal.message)
    context["known"] = refusal.known
    is_too_many = status is HTTPStatus.TOO_MANY_REQUESTS
    return page(form, outcome, refetch=is_too_many, **context), status, refusal.headers


def show_failure(form: ContactForm, outcome: Outcome, **context: Any) -> ViewResult:
    """Show a form again whose contact was rejected, at its field, or could not be stored."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if outcome.result is Result.REJECTED:
        form.refuse(status_message(outcome.status), fields=outcome.fields)
        form.renew_token()
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page(form, outcome, **context), status


def _ask_code(form: ContactForm, key: str, outcome: Outcome) -> Response:
    """Redirect to the step that asks for the code, with what the form takes from the address."""
    slug, site = form.definition.slug, form.token.site
    token = services().tokens.issue_submission(slug, key=key, site=site)
    unsent = {SENT: "0"} if outcome.status else {}
    query = urlencode({"s": token, **form.arrival.query, **unsent})
    return see_other(f"{request.path}/code?{query}")


def show_receipt(url: str, receipt: str) -> Response:
    """Redirect an operator to the next form, which shows a receipt.

    The receipt of an operator whose browser has sent no cookie, and may block them, is in the
    address, too.
    """
    flash(receipt)
    return see_other(url if request.cookies else f"{url}?r={receipt}")


def issue_receipt(
    definition: FormDefinition, outcome: Outcome, *, site: str, mobile: str = ""
) -> str:
    """Return the signed outcome for the next page's URL, without personal data.

    A visitor's receipt has no status of the portal, only whether an operator looks at it first.

    Args:
        definition: The form.
        outcome: The submission's.
        site: The site that showed the form.
        mobile: The number whose block of the form's line the receipt may show: typed by an
            operator, or verified. "" for no such number.
    """
    line, is_operator = definition.line, definition.access is Access.INTRANET
    is_line_blocked = services().delivery.is_line_blocked
    receipt = Receipt(
        result=outcome.result,
        reference=outcome.reference,
        site=site,
        status=outcome.status if is_operator else "",
        is_line_blocked=bool(line and mobile and is_line_blocked.ask(mobile, line)),
        is_held=outcome.is_held,
    )
    return services().tokens.issue_receipt(definition.slug, receipt)
