"""Verifies a mobile number by SMS before a submission is sent.

    intake.submit_unverified ──> a code goes out ──> the person types it ──> the submission is sent

Whatever prevents a code from going out, the submission does not end here: by the form's policy an
operator decides, or it is sent with a label that says so.
"""

from __future__ import annotations

import enum
import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from webapp.contact import FIELDS, LABELS, MOBILE, Contact
from webapp.delivery.code_counts import CodeEvent
from webapp.delivery.codes import Check
from webapp.delivery.database import DatabaseError
from webapp.delivery.key_locks import KeyLocks
from webapp.delivery.outcome import BUSY, Outcome, Result, outcome_of, waits_for_code
from webapp.delivery.submission import State, reference
from webapp.portal.base import MethodNotAllowed, PortalError, Refused, Rejected, SlowDown
from webapp.portal.statuses import rejected_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from webapp.delivery.circuit_breaker import CircuitBreaker
    from webapp.delivery.code_counts import CodeCounts
    from webapp.delivery.codes import Codes, CodeState
    from webapp.delivery.intake import Intake
    from webapp.delivery.outbox import Outbox
    from webapp.delivery.submission import Submission, Submitter
    from webapp.portal.base import Portal

log = logging.getLogger(__name__)

CODES_USED_UP: Final = "CodesOfDayUsedUp"  # our own status, named like the portal's

# A refusal of these is about the SMS alone, and says nothing about ContactCreate.
_OF_CODES_ALONE: Final = ("CreditNotEnough", "AccountIsDemo")
_OF_THE_NUMBER: Final = ("Mobile_Empty", "Mobile_Invalid", "Mobiles_Empty", "Mobiles_Invalid")
# Other requests have used all tries: one of them may just be verifying the number.
_LAST_TRY_S: Final = 0.2
_POLL_INTERVAL_S: Final = 0.05


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


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a person's step.

    Attributes:
        outcome: The submission's; its result is `CODE` while the person is asked for a code, and
            None says that the submission is not known any more.
        check: What came of the code, if one was typed and compared.
        contact: What was submitted, if the portal was asked: the outbox may have it no more.
        was_sent: Whether another code was sent, or the page says so to a robot.
    """

    outcome: Outcome | None
    check: Check | None = None
    contact: Contact | None = None
    was_sent: bool = False

    @property
    def is_code_out(self) -> bool:
        """Whether another code was sent, which a robot's never is."""
        return self.was_sent and self.contact is not None


class Verification:
    """Sends codes and checks them. Its methods raise a DatabaseError if the database fails."""

    def __init__(
        self,
        portal: Portal,
        intake: Intake,
        outbox: Outbox,
        codes: Codes,
        *,
        breaker: CircuitBreaker,
        counts: CodeCounts,
    ) -> None:
        """Use these services.

        Args:
            portal: Sends codes.
            intake: Sends submissions.
            outbox: Stores them.
            codes: The table of codes.
            breaker: Whether the portal is asked at all.
            counts: Where codes are counted.
        """
        self._portal = portal
        self._intake = intake
        self._outbox = outbox
        self._codes = codes
        self._breaker = breaker
        self._counts = counts
        self._key_locks = KeyLocks()

    def start(
        self,
        contact: Contact,
        key: str,
        *,
        form: str,
        by: Submitter,
        policy: Policy,
        vet: Callable[[], str],
    ) -> Step:
        """Store a submission and send its code; the same submission sent again sends no other.

        Args:
            contact: What was submitted.
            key: The submission's key.
            form: The slug of its form.
            by: As for `Intake.submit`.
            policy: How the form verifies numbers.
            vet: As for `Intake.submit`.
        """
        outcome = self._intake.submit_unverified(contact, key, form=form, by=by, vet=vet)
        if outcome.result is not Result.CODE or not self._codes.add(key, str(contact[MOBILE])):
            return Step(outcome)
        return self.resend(key, policy)

    def has_verified(self, key: str, mobile: str) -> bool:
        """Return whether the submission of this key verified this number some minutes ago."""
        return bool(key) and self._codes.has_verified(key, mobile)

    def forget(self, key: str) -> None:
        """Erase a submission that waits for a code: its person has sent another in its place."""
        if key and self._outbox.unverified.erase(key):
            self._outbox.truncate_wal()

    def pending(self, key: str) -> tuple[Submission, CodeState | None] | Step:
        """Return a submission that waits for a code, and the code's state; else what became of it.

        A submission that a robot has sent is known as long as its code is.
        """
        submission = self._outbox.find(key)
        state = self._codes.state(key)
        if submission and submission.state is State.HELD and state is None:
            return self._left(submission if not waits_for_code(submission) else None)
        if submission is None or not waits_for_code(submission):
            return self._left(submission)
        return submission, state

    def resend(self, key: str, policy: Policy) -> Step:
        """Send another code, unless it is too early or all are sent.

        If that fails, the former code stays as long as it is valid; the outcome's status says why.
        """
        submission = self._outbox.find(key)
        if submission is None or submission.contact is None or not waits_for_code(submission):
            return self._left(submission)
        self._codes.add(key, str(submission.contact[MOBILE]))  # a process may have died before
        waits = Outcome(result=Result.CODE, reference=submission.reference)
        if not self._codes.take_sending(key):
            return Step(waits)
        if submission.state is State.HELD:  # a robot's: nothing it types will fit
            self._codes.store(key, secrets.token_hex())
            return Step(waits, was_sent=True)
        outcome = self._send_code(submission, submission.contact, policy)
        return Step(outcome or waits, contact=submission.contact, was_sent=outcome is None)

    def check(self, key: str, code: str, *, shown: Collection[str] = frozenset(FIELDS)) -> Step:
        """Check a code; if it is right, send the submission.

        Only one of many requests sends it; the others wait for its outcome.

        Args:
            key: The submission's key.
            code: What was typed, in ASCII digits.
            shown: The API names of the fields that the form shows; see `Intake.submit`.
        """
        with self._intake.permit() as has_permit:
            # One at a time: with several right codes at once, the first leaves the others no try.
            with self._key_locks[key]:
                submission = self._outbox.find(key)
                waits = submission is not None and waits_for_code(submission)
                check = self._codes.check(key, code) if waits else None
                claimed = self._claim(key, has_permit=has_permit) if check is Check.RIGHT else None
            if claimed:
                return self._send(claimed, shown)
            if submission is None or check is None or check is Check.RIGHT:
                return self._left(self._outbox.find(key), has_permit=has_permit)
        return self._refused(submission, check)  # without the permit: guessing takes none

    def _claim(self, key: str, *, has_permit: bool) -> Submission | None:
        """Take a submission for sending, as its number is verified; None if it is taken."""
        reason = self._intake.reason_not_to_send(has_permit=has_permit)
        mark = self._codes.mark_verified
        claimed = self._outbox.unverified.verify(key, send=not reason, status=reason, mark=mark)
        if claimed:
            log.info("submission %s: number verified", claimed.reference)
            self._counts.count(claimed.form, CodeEvent.VERIFIED)
        return claimed

    def _send(self, claimed: Submission, shown: Collection[str]) -> Step:
        if claimed.state is State.SENDING:
            outcome = self._intake.send(claimed, shown=shown)
        else:
            outcome = outcome_of(claimed)
        self._intake.count(claimed.form, outcome.result)
        return Step(outcome, Check.RIGHT, claimed.contact)

    def _refused(self, submission: Submission, check: Check) -> Step:
        """Return what came of a code that did not fit, or that came too late."""
        expires = time.monotonic() + (_LAST_TRY_S if check is Check.USED_UP else 0)
        current: Submission | None = submission
        while current and waits_for_code(current) and time.monotonic() < expires:
            time.sleep(_POLL_INTERVAL_S)
            current = self._outbox.find(submission.key)
        if current is None or not waits_for_code(current):
            return self._left(current)
        self._counts.count(submission.form, CodeEvent.WRONG)
        return Step(Outcome(result=Result.CODE, reference=submission.reference), check)

    def _left(self, submission: Submission | None, *, has_permit: bool | None = None) -> Step:
        """Return the outcome of a submission that waits for no code; see `Intake.outcome`."""
        if submission is None:
            return Step(None)
        return Step(self._intake.outcome(submission, has_permit=has_permit))

    def _send_code(
        self, submission: Submission, contact: Contact, policy: Policy
    ) -> Outcome | None:
        """Send a code; return None, or the outcome if it could not be sent."""
        former = self._codes.valid(submission.key)
        with self._intake.permit() as has_permit:
            status = self._reason_not_to_send(has_permit=has_permit)
            error = None if status else self._call(submission, contact, policy)
        if error is None and not status:
            self._counts.count(submission.form, CodeEvent.SENT)
            self._codes.trouble.clear()
            return None
        if isinstance(error, Rejected) and error.status in _OF_THE_NUMBER:
            self._outbox.unverified.erase(submission.key, status=error.status)
            self._intake.count(submission.form, Result.REJECTED)
            return Outcome(
                result=Result.REJECTED,
                reference=submission.reference,
                status=error.status,
                fields=rejected_fields(error.status),
            )
        status = error.status if error else status
        log.warning("submission %s: no code was sent, %s", submission.reference, status)
        self._counts.count(submission.form, CodeEvent.FAILED)
        self._codes.trouble.set(status)
        if former:
            self._codes.restore(submission.key, former)
            return Outcome(result=Result.CODE, reference=submission.reference, status=status)
        return self._fall_back(submission, contact, policy)

    def _reason_not_to_send(self, *, has_permit: bool) -> str:
        """Return the status for which no code is sent now, or ""; count it against the day."""
        if pause := self._breaker.pause:
            return pause.status
        if not has_permit:
            return BUSY
        return "" if self._codes.take_of_day() else CODES_USED_UP

    def _call(self, submission: Submission, contact: Contact, policy: Policy) -> PortalError | None:
        """Store a new code, then send it; return what went wrong."""
        code = new_code(policy.length)
        self._codes.store(submission.key, code)  # first: it may arrive though the answer is lost
        try:
            sent = self._portal.send_code(str(contact[MOBILE]), code)
        except PortalError as error:
            self._report(error)
            return error
        if sent != code:  # the portal has made one of its own
            self._codes.store(submission.key, sent)
        return None

    def _report(self, error: PortalError) -> None:
        """Pause the queue if contacts would be refused, too, or if the portal asks for a pause."""
        is_refused = isinstance(error, Refused) and not isinstance(error, MethodNotAllowed)
        concerns_account = is_refused and error.status not in _OF_CODES_ALONE
        if concerns_account or isinstance(error, SlowDown):
            with suppress(DatabaseError):
                self._breaker.failed(error)

    def _fall_back(self, submission: Submission, contact: Contact, policy: Policy) -> Outcome:
        unverified, key = self._outbox.unverified, submission.key
        if policy.fallback is Fallback.HOLD:
            result: str = State.HELD
            is_changed = unverified.hold(key)
        else:
            result = Result.QUEUED
            is_changed = unverified.queue(key, _labelled(contact, policy.label))
        if is_changed:
            self._intake.count(submission.form, result)
        current = self._outbox.find(key)
        return (
            outcome_of(current)
            if current
            else Outcome(result=Result.QUEUED, reference=reference(key))
        )


def new_code(length: int) -> str:
    """Return a random code.

    It does not begin with 0: a portal that reads it as a number would send a shorter one.
    """
    least = 10 ** (length - 1)
    return str(least + secrets.randbelow(9 * least))


def _labelled(contact: Contact, label: str) -> Contact:
    labels = contact[LABELS] if isinstance(contact[LABELS], tuple) else ()
    return Contact(**{**contact.values, LABELS: tuple(dict.fromkeys((*labels, label)))})
