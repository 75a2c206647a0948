"""Sends a code by SMS; where none can be sent, the form's policy decides about the submission."""

from __future__ import annotations

import enum
import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from webapp.contact import LABELS, MOBILE, Contact
from webapp.database import DatabaseError
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import State, Submission, reference
from webapp.outbox.sender import database_errors_logged
from webapp.outbox.submit import BUSY, Intake, Outcome, Result, outcome_of
from webapp.portal import (
    MethodNotAllowed,
    Portal,
    PortalError,
    Refused,
    Rejected,
    SlowDown,
    TimedOut,
    Uncertain,
    Unexplained,
    Unreachable,
    rejected_fields,
)
from webapp.statistics.funnel import CodeCounts, CodeEvent
from webapp.verification.codes import CodeCheck, Codes, Taken
from webapp.verification.limits import SHARED_LIMITS, Counted, NotTaken
from webapp.verification.unverified import Unverified

log = logging.getLogger(__name__)

# These refuse only the SMS, and say nothing about ContactCreate.
_SMS_ONLY_STATUSES: Final = ("CreditNotEnough", "AccountIsDemo")
_OF_THE_NUMBER: Final = ("Mobile_Empty", "Mobile_Invalid", "Mobiles_Empty", "Mobiles_Invalid")

# A person waits: only what failed faster than this (s) is tried once more.
_QUICK_FAILURE_S: Final = 2.0


class Fallback(enum.StrEnum):
    """What becomes of a submission whose code cannot be sent."""

    HOLD = "hold"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a form verifies numbers.

    Attributes:
        length: The digits of a code.
        fallback: What becomes of a submission whose code cannot be sent.
        label: The label of those that are sent all the same.
    """

    length: int
    fallback: Fallback
    label: str


class Networks(NamedTuple):
    """The networks of the sender of a request, "" if there is no address."""

    narrow: str
    wide: str


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """The request for a code.

    Attributes:
        policy: How the form verifies numbers.
        networks: Of the person.
    """

    policy: Policy
    networks: Networks


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """What came of a person's step.

    Attributes:
        outcome: The submission's; its result is `CODE` while the person is asked for a code, and
            None says that the submission is not known any more.
        check: What came of the code, if one was typed and compared.
        contact: What was submitted, if the portal was asked: the outbox may have it no more.
        was_sent: Whether another code was sent, or the page says so to a robot.
        retry_after_s: Seconds until a limit of the number allows another code, if it is used up.
    """

    outcome: Outcome | None
    check: CodeCheck | None = None
    contact: Contact | None = None
    was_sent: bool = False
    retry_after_s: float = 0.0

    @property
    def is_code_out(self) -> bool:
        """Whether another code was sent, which a robot's never is."""
        return self.was_sent and self.contact is not None


class CodeSender:
    """Sends codes. Its methods raise a DatabaseError if the database fails before one is out."""

    def __init__(
        self,
        portal: Portal,
        intake: Intake,
        unverified: Unverified,
        codes: Codes,
        *,
        breaker: CircuitBreaker,
        counts: CodeCounts,
    ) -> None:
        """Use these services.

        Args:
            portal: Sends codes.
            intake: Permits calls to it.
            unverified: Those that wait for a code.
            codes: The table of codes.
            breaker: Whether the portal is asked at all.
            counts: Where codes are counted.
        """
        self._portal = portal
        self._intake = intake
        self._unverified = unverified
        self._codes = codes
        self._breaker = breaker
        self._counts = counts

    def send(
        self, submission: Submission, contact: Contact, request: CodeRequest
    ) -> VerificationResult:
        """Send a code for a submission that waits for one, if it may have one now.

        Without one, and without a former one that is valid, the form's policy decides.
        """
        policy, waits = request.policy, waits_outcome(submission)
        code = new_code(policy.length)
        counted = Counted(str(contact[MOBILE]), *request.networks, submission.form)
        error: PortalError | None = None
        with self._intake.permit() as has_permit:
            if status := self._reason_not_to_call(has_permit=has_permit):
                taken: Taken | NotTaken = NotTaken(status)
            else:  # stored first: it may arrive though the answer is lost
                taken = self._codes.take(submission.key, code, counted)
            if isinstance(taken, Taken):
                error = self._call(submission, contact, code)
        if isinstance(taken, NotTaken):
            if taken.must_wait:
                return VerificationResult(waits, contact=contact, retry_after_s=taken.retry_after_s)
            has_former = self._codes.has_valid(submission.key)
            status = taken.status
            outcome = self._not_sent(submission, contact, policy, status, has_former=has_former)
        elif error:
            # If the database fails now, the page says at least that no code was sent.
            name = submission.reference
            outcome = Outcome(result=Result.CODE, reference=name, status=error.status)
            with database_errors_logged(submission):
                outcome = self._failed(submission, contact, policy, taken, error)
        else:
            self._counts.count(submission.form, CodeEvent.SENT)
            return VerificationResult(waits, contact=contact, was_sent=True)
        return VerificationResult(outcome, contact=contact)

    def _reason_not_to_call(self, *, has_permit: bool) -> str:
        """Return the status for which the portal is not asked to send a code now, or ""."""
        if pause := self._breaker.pause:
            return pause.status
        return "" if has_permit else BUSY

    def _call(self, submission: Submission, contact: Contact, code: str) -> PortalError | None:
        """Send a code that is stored; return what went wrong."""
        try:
            sent = self._send_code(str(contact[MOBILE]), code)
        except PortalError as error:
            self._report(error)
            return error
        # The code is out, whatever the database does now.
        with database_errors_logged(submission):
            if sent != code:  # the portal has made one of its own
                self._codes.store(submission.key, sent)
            self._codes.trouble.clear()
        return None

    def _send_code(self, mobile: str, code: str) -> str:
        """Send a code; a quick server error or broken connection is tried once more.

        It may arrive twice then, which does no harm: it is the same code.
        """
        start = time.monotonic()
        try:
            return self._portal.send_code(mobile, code)
        except (TimedOut, Unexplained):
            raise
        except (Uncertain, Unreachable) as error:
            if time.monotonic() - start > _QUICK_FAILURE_S:
                raise
            first = error
        try:
            return self._portal.send_code(mobile, code)
        except Unreachable:
            raise first from None  # it may have been sent the first time

    def _failed(
        self,
        submission: Submission,
        contact: Contact,
        policy: Policy,
        taken: Taken,
        error: PortalError,
    ) -> Outcome:
        """Return what becomes of a submission whose code the portal has not sent, or perhaps."""
        is_unsent = isinstance(error, Unexplained) or not isinstance(error, Uncertain)
        self._codes.undo(submission.key, taken, is_unsent=is_unsent)
        name, status = submission.reference, error.status
        if isinstance(error, Rejected) and status in _OF_THE_NUMBER:
            self._unverified.erase(submission.key, status=status)
            self._intake.count(submission.form, Result.REJECTED)
            fields = rejected_fields(status)
            return Outcome(result=Result.REJECTED, reference=name, status=status, fields=fields)
        has_former = taken.former is not None
        return self._not_sent(submission, contact, policy, status, has_former=has_former)

    def _not_sent(
        self,
        submission: Submission,
        contact: Contact,
        policy: Policy,
        status: str,
        *,
        has_former: bool,
    ) -> Outcome:
        """Return what becomes of a submission for which no code was sent.

        Args:
            submission: It waits for a code.
            contact: Its contact.
            policy: How its form verifies numbers.
            status: Why.
            has_former: Whether a former code is valid.
        """
        log.warning("submission %s: no code was sent, %s", submission.reference, status)
        self._counts.count(submission.form, CodeEvent.FAILED)
        if status in SHARED_LIMITS:  # one network or form, not the account
            self._counts.count_limit(status)
        else:
            with database_errors_logged(submission):
                self._codes.trouble.set(status)
        if has_former:
            return Outcome(result=Result.CODE, reference=submission.reference, status=status)
        return self._fall_back(submission, contact, policy)

    def _report(self, error: PortalError) -> None:
        """Pause the queue if contacts would be refused, too, or if the portal asks for a pause."""
        is_refused = isinstance(error, Refused) and not isinstance(error, MethodNotAllowed)
        concerns_account = is_refused and error.status not in _SMS_ONLY_STATUSES
        if concerns_account or isinstance(error, SlowDown):
            with suppress(DatabaseError):
                self._breaker.failed(error)

    def _fall_back(self, submission: Submission, contact: Contact, policy: Policy) -> Outcome:
        unverified, key = self._unverified, submission.key
        if policy.fallback is Fallback.HOLD:
            result: str = State.HELD
            is_changed = unverified.hold(key)
        else:
            result = Result.QUEUED
            is_changed = unverified.queue(key, _labelled(contact, policy.label))
        if is_changed:
            self._intake.count(submission.form, result)
        current = self._intake.outbox.find(key)
        return (
            outcome_of(current)
            if current
            else Outcome(result=Result.QUEUED, reference=reference(key))
        )


def waits_outcome(submission: Submission) -> Outcome:
    """Return the outcome of a submission whose person is asked for a code."""
    return Outcome(result=Result.CODE, reference=submission.reference)


def new_code(length: int) -> str:
    """Return a random code.

    It does not begin with 0: a portal that reads it as a number would send a shorter one.
    """
    least = 10 ** (length - 1)
    return str(least + secrets.randbelow(9 * least))


def _labelled(contact: Contact, label: str) -> Contact:
    labels = contact[LABELS] if isinstance(contact[LABELS], tuple) else ()
    return Contact(**{**contact.values, LABELS: tuple(dict.fromkeys((*labels, label)))})
