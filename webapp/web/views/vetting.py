"""Checks whether a visitor's submission may be spam, before it is stored."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import request

from webapp import messages
from webapp.contact import MOBILE
from webapp.delivery.code_sender import CodeRequest, Networks
from webapp.delivery.submission import HONEYPOT, UNPROVEN
from webapp.messages import codes as texts
from webapp.web.rate_limits import LimitReached, address_prefix
from webapp.web.views import services

if TYPE_CHECKING:
    from webapp.delivery.code_sender import Policy
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
    if not _is_proof_valid(form, key):  # first: it uses up nothing that others share
        raise Refusal(messages.UNPROVEN, HTTPStatus.UNPROCESSABLE_ENTITY)
    _count_against_limits(form)
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
        _check_number(form)
    return suspicion


def too_many_codes(retry_after_s: float) -> Refusal:
    """Return the refusal of a code to a number that has had too many."""
    services().metrics.count_refusal("LIMIT_CODE_MOBILE")
    return Refusal(texts.TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS, math.ceil(retry_after_s))


def request_code(policy: Policy) -> CodeRequest:
    """Return the request for a code of who sent this HTTP request."""
    address = request.remote_addr or ""
    networks = Networks(address_prefix(address), address_prefix(address, wide=True))
    return CodeRequest(policy, networks)


def _check_number(form: ContactForm) -> None:
    """Refuse a number that has had too many codes, before anything is stored."""
    if reached := services().delivery.codes.number_reached(form[MOBILE].data):
        raise too_many_codes(reached.retry_after_s)


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
