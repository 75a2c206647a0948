"""Verifies a mobile number by SMS before a submission is sent.

    start ──> a code goes out ──> the person types it ──> the submission is sent

`Verification` takes a submission, and answers the code step. Where no code can be sent, the form's
policy decides: an operator looks at the submission, or it is sent with a label that says so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from webapp.contact import FIELDS, MOBILE, Contact
from webapp.database import DatabaseError
from webapp.database.sqlite import KeyLocks
from webapp.outbox.rows import NoRoom, State, Submission, Submitter, reference
from webapp.outbox.submit import Intake, Outcome, Result, outcome_of, waits_for_code
from webapp.statistics.funnel import CodeCounts, CodeEvent, FunnelStep
from webapp.verification.codes import CodeCheck, Codes, CodeState
from webapp.verification.sender import CodeRequest, CodeSender, VerificationResult, waits_outcome
from webapp.verification.unverified import Unverified

log = logging.getLogger(__name__)

# Other requests have used all tries: one of them may just be verifying the number.
_LAST_TRY_S: Final = 0.2
_POLL_INTERVAL_S: Final = 0.05


class Verification:
    """Sends codes and checks them. Its methods raise a DatabaseError if the database fails."""

    def __init__(
        self,
        intake: Intake,
        unverified: Unverified,
        codes: Codes,
        *,
        sender: CodeSender,
        counts: CodeCounts,
    ) -> None:
        """Use these services.

        Args:
            intake: Stores and sends submissions.
            unverified: Those that wait for a code.
            codes: The table of codes.
            sender: Sends codes.
            counts: Where codes are counted.
        """
        self._intake = intake
        self._unverified = unverified
        self._codes = codes
        self._sender = sender
        self._counts = counts
        self._key_locks = KeyLocks()

    def start(
        self,
        contact: Contact,
        key: str,
        *,
        form: str,
        by: Submitter,
        request: CodeRequest,
        suspicion: str = "",
    ) -> Outcome:
        """Store a submission and send its code; the same submission sent again sends no other.

        Once it is stored, a database that fails is no error: the code step says whether a code is
        out, and sends one if none is.

        Args:
            contact: What was submitted.
            key: The submission's key.
            form: The slug of its form.
            by: As for `Intake.submit`.
            request: Of whom and how a code is sent.
            suspicion: As for `Intake.submit`.
        """
        try:
            outcome = self._store(contact, key, form=form, by=by, suspicion=suspicion)
        except NoRoom:
            return self._intake.outcome_without_room(form, key)
        is_new = outcome.is_new
        if is_new and not by.replaces:
            self._counts.count_step(form, FunnelStep.SUBMITTED)
        if outcome.result is Result.CODE:
            try:
                if self._codes.add(key, str(contact[MOBILE])):
                    step = self.resend(key, request)
                    outcome = step.outcome or outcome
                    if step.is_code_out and not by.replaces:
                        self._counts.count_step(form, FunnelStep.CODE_SENT)
            except DatabaseError as error:
                _log(outcome.reference, error)
        if outcome.result not in (Result.UNSTORED, Result.REJECTED):
            self._forget(by.replaces)
        return replace(outcome, is_new=is_new)

    def _store(
        self, contact: Contact, key: str, *, form: str, by: Submitter, suspicion: str
    ) -> Outcome:
        """Store a submission that is sent once its number is verified."""
        try:
            if suspicion:
                submission, is_new = self._intake.hold(
                    contact, key, form=form, reason=suspicion, by=by
                )
            else:
                submission, is_new = self._unverified.add(contact, key, form=form, by=by)
        except DatabaseError as error:
            return self._intake.outcome_after_error(form, key, error)
        if is_new and submission.state is State.HELD:
            self._intake.count(form, State.HELD)
        if waits_for_code(submission):
            return replace(waits_outcome(submission), is_new=is_new)
        return replace(self._intake.outcome(submission), is_new=is_new)

    def has_verified(self, key: str, mobile: str) -> bool:
        """Return whether the submission of this key verified this number some minutes ago."""
        return bool(key) and self._codes.has_verified(key, mobile)

    def _forget(self, key: str) -> None:
        """Erase a submission that waits for a code: its person has sent another in its place.

        If the database fails, that happens within an hour.
        """
        try:
            if key:
                self._unverified.erase(key)
        except DatabaseError as error:
            _log(reference(key), error)

    def pending(self, key: str) -> tuple[Submission, CodeState | None] | VerificationResult:
        """Return a submission that waits for a code, and the code's state; else what became of it.

        A submission that a robot has sent is known as long as its code is.
        """
        submission = self._intake.outbox.find(key)
        contact = submission.contact if submission else None
        state = self._codes.state(key, str(contact[MOBILE]) if contact else "")
        if submission and submission.state is State.HELD and state is None:
            return self._left(submission if not waits_for_code(submission) else None)
        if submission is None or not waits_for_code(submission):
            return self._left(submission)
        return submission, state

    def resend(self, key: str, request: CodeRequest) -> VerificationResult:
        """Send another code, unless it is too early, all are sent, or the number has had too many.

        If that fails, the former code stays as long as it is valid; the outcome's status says why.
        """
        submission = self._intake.outbox.find(key)
        if submission is None or submission.contact is None or not waits_for_code(submission):
            return self._left(submission)
        self._codes.add(key, str(submission.contact[MOBILE]))  # a process may have died before
        if submission.state is State.HELD:  # a robot's: nothing it types will fit
            return VerificationResult(waits_outcome(submission), was_sent=self._codes.pretend(key))
        return self._sender.send(submission, submission.contact, request)

    def leave_to_operator(self, key: str) -> VerificationResult:
        """Have an operator decide about a submission for which no other code may be sent."""
        found = self.pending(key)
        if isinstance(found, VerificationResult):
            return found
        submission, state = found
        if state is None or state.may_resend:
            return VerificationResult(waits_outcome(submission))
        if submission.state is State.HELD:  # a robot's: it learns nothing
            name = submission.reference
            return VerificationResult(Outcome(result=Result.QUEUED, reference=name, is_held=True))
        if self._unverified.hold(key):
            self._intake.count(submission.form, State.HELD)
        return self._left(self._intake.outbox.find(key))

    def check(
        self, key: str, code: str, *, shown: Collection[str] = frozenset(FIELDS)
    ) -> VerificationResult:
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
                submission = self._intake.outbox.find(key)
                waits = submission is not None and waits_for_code(submission)
                check = self._codes.check(key, code) if waits else None
                claimed = (
                    self._claim(key, has_permit=has_permit) if check is CodeCheck.RIGHT else None
                )
            if claimed:
                return self._send(claimed, shown)
            if submission is None or check is None or check is CodeCheck.RIGHT:
                return self._left(self._intake.outbox.find(key), has_permit=has_permit)
        return self._refused(submission, check)  # without the permit: guessing takes none

    def _claim(self, key: str, *, has_permit: bool) -> Submission | None:
        """Take a submission for sending, as its number is verified; None if it is taken."""
        reason = self._intake.reason_not_to_send(has_permit=has_permit)
        claimed = self._unverified.verify(key, send=not reason, status=reason)
        if claimed:
            log.info("submission %s: number verified", claimed.reference)
            self._counts.count(claimed.form, CodeEvent.VERIFIED)
        return claimed

    def _send(self, claimed: Submission, shown: Collection[str]) -> VerificationResult:
        if claimed.state is State.SENDING:
            outcome = self._intake.send(claimed, shown=shown)
        else:
            outcome = outcome_of(claimed)
        self._intake.count(claimed.form, outcome.result)
        return VerificationResult(outcome, CodeCheck.RIGHT, claimed.contact)

    def _refused(self, submission: Submission, check: CodeCheck) -> VerificationResult:
        """Return what came of a code that did not fit, or that came too late."""
        expires = time.monotonic() + (_LAST_TRY_S if check is CodeCheck.USED_UP else 0)
        current: Submission | None = submission
        while current and waits_for_code(current) and time.monotonic() < expires:
            time.sleep(_POLL_INTERVAL_S)
            current = self._intake.outbox.find(submission.key)
        if current is None or not waits_for_code(current):
            return self._left(current)
        self._counts.count(submission.form, CodeEvent.WRONG)
        return VerificationResult(waits_outcome(submission), check)

    def _left(
        self, submission: Submission | None, *, has_permit: bool | None = None
    ) -> VerificationResult:
        """Return the outcome of a submission that waits for no code; see `Intake.outcome`."""
        if submission is None:
            return VerificationResult(None)
        return VerificationResult(self._intake.outcome(submission, has_permit=has_permit))


def _log(name: str, error: DatabaseError) -> None:
    log.error("submission %s: the database failed, %s", name, error)
