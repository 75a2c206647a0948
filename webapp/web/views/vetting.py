"""Checks whether a visitor's submission may be spam, before it is stored."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import request

from webapp import messages
from webapp.contact import MOBILE
from webapp.delivery.submission import HONEYPOT, UNPROVEN
from webapp.messages import codes as texts
from webapp.web.rate_limits import LimitReached
from webapp.web.views import services

if TYPE_CHECKING:
    from webapp.forms.definitions import FormDefinition
    from webapp.forms.form import ContactForm


class Refusal(Exception):
    """A submission that may be spam; the form comes back with a message."""

    def __init__(self, message: str, status: HTTPStatus, retry_after: int | None = None) -> None:
        """Set the message for the person, the HTTP status, and the seconds to wait."""
        super().__init__(message)
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.message = message
        self.status = status


def vet(form: ContactForm, key: str) -> str:
    """Check a visitor's submission; return why an operator should review it first, or "".

    Raises:
        Refusal: if it may be spam.
    """
    if form.token.is_too_young:
        raise Refusal(messages.FORM_TOO_YOUNG, HTTPStatus.UNPROCESSABLE_ENTITY)
    _count_against_limits(form)
    if not _is_proof_valid(form, key):
        raise Refusal(messages.UNPROVEN, HTTPStatus.UNPROCESSABLE_ENTITY)
    if form.is_honeypot_filled:
        return HONEYPOT
    return UNPROVEN if "proof" in form and not form.proof.data else ""


def vet_verified(form: ContactForm, key: str) -> str:
    """Check a submission whose number is verified, for which no proof is needed; else as `vet`."""
    suspicion = vet(form, key)
    return "" if suspicion == UNPROVEN else suspicion


def vet_code(form: ContactForm, key: str) -> str:
    """Check a submission whose number gets a code; otherwise as `vet`.

    Without a proof it gets one, too, but under a tighter limit.
    """
    suspicion = vet(form, key)
    if suspicion == UNPROVEN:
        try:
            services().rate_limits.count_unproven_code(form=form.definition.slug)
        except LimitReached:
            return UNPROVEN
        suspicion = ""
    if not suspicion:
        count_code(form.definition, mobile=form[MOBILE].data)
    return suspicion


def count_code(definition: FormDefinition, *, mobile: str) -> None:
    """Count a code against its limits.

    Raises:
        Refusal: if there were too many.
    """
    address = request.remote_addr or ""
    try:
        services().rate_limits.count_code(form=definition.slug, address=address, mobile=mobile)
    except LimitReached as reached:
        status = HTTPStatus.TOO_MANY_REQUESTS
        raise Refusal(texts.TOO_MANY, status, reached.retry_after) from None


def _count_against_limits(form: ContactForm) -> None:
    limits = services().rate_limits
    try:
        limits.count_form(form=form.definition.slug, address=request.remote_addr or "")
        limits.count_mobile(mobile=form[MOBILE].data)
    except LimitReached as reached:
        status = HTTPStatus.TOO_MANY_REQUESTS
        raise Refusal(messages.TOO_MANY, status, reached.retry_after) from None


def _is_proof_valid(form: ContactForm, key: str) -> bool:
    """Return whether the proof of work is valid. A missing one is suspect, but no error."""
    answer: str = (form.proof.data or "") if "proof" in form else ""
    return answer == "" or services().proof_of_work.is_solved(
        answer, form=form.definition.slug, key=key
    )
