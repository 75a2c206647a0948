"""Takes a person's submission: stores it, sends it, and returns what a page may say about it.

An accepted contact is never lost. It reaches the portal twice only if the portal applies a call
later than the settling time, or does not allow lookups.
"""

from __future__ import annotations

import enum
import hashlib
import json
import logging
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from webapp.contact import FIELDS, Contact
from webapp.database import DatabaseError
from webapp.observability.metrics import Metrics
from webapp.outbox import Outbox
from webapp.outbox.circuit_breaker import CircuitBreaker, Permits
from webapp.outbox.rows import (
    ANONYMOUS,
    HONEYPOT,
    UNPROVEN,
    NoRoom,
    State,
    Submission,
    Submitter,
    Timing,
    reference,
)
from webapp.outbox.sender import Sender, database_errors_logged
from webapp.portal import PortalError, Rejected, Uncertain, rejected_fields

log = logging.getLogger(__name__)


# Our own statuses, named like the portal's.
BUSY: Final = "QueueBusy"
STORE_FAILED: Final = "StoreFailed"


class Result(enum.StrEnum):
    """What the page says about a submission. It is true, except for robots in the honeypot."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    QUEUED = "queued"
    UNSTORED = "unstored"
    CODE = "code"  # the number is to be verified by a code first
    FULL = "full"  # not stored: the form has no place left


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a submission.

    Attributes:
        result: What the page says.
        reference: The submission's short name, without personal data.
        status: The status name of what went wrong, the portal's or ours; "" if nothing did.
        fields: The API names of the fields that the portal rejects, if it names some.
        is_held: Whether it is sent only after an operator has looked at it.
        is_new: Whether this call has stored it.
    """

    result: Result
    reference: str
    status: str = ""
    fields: tuple[str, ...] = ()
    is_held: bool = False
    is_new: bool = field(default=False, compare=False)

    @property
    def is_accepted(self) -> bool:
        """Whether it was delivered, or will be."""
        return self.result in (Result.DELIVERED, Result.QUEUED)


def outcome_of_attempt(
    submission: Submission, error: PortalError | None, *, is_kept: bool = False
) -> Outcome:
    """Return the outcome for the person who waited for an attempt.

    Args:
        submission: What was attempted.
        error: What went wrong.
        is_kept: Whether the outbox keeps what is rejected, as it does for operators who correct
            it there.
    """
    name = submission.reference
    if error is None:
        return Outcome(result=Result.DELIVERED, reference=name)
    if not isinstance(error, Rejected):
        return Outcome(result=Result.QUEUED, reference=name, status=error.status)
    if error.fields or is_kept:
        return Outcome(
            result=Result.REJECTED, reference=name, status=error.status, fields=error.fields
        )
    return Outcome(result=Result.QUEUED, reference=name, status=error.status, is_held=True)


def waits_for_code(submission: Submission) -> bool:
    """Return whether a form that verifies numbers asks for this submission's code."""
    in_honeypot = submission.state is State.HELD and submission.status == HONEYPOT
    # The robot is asked for a code as everybody is; it was never sent.
    return submission.state is State.UNVERIFIED or in_honeypot


def outcome_of(submission: Submission) -> Outcome:
    """Return the outcome of a stored submission."""
    name, status = submission.reference, submission.status
    in_honeypot = submission.state is State.HELD and status == HONEYPOT  # a robot learns nothing
    if submission.state is State.DELIVERED or in_honeypot:
        return Outcome(result=Result.DELIVERED, reference=name)
    if submission.state is State.REJECTED:
        return Outcome(
            result=Result.REJECTED, reference=name, status=status, fields=rejected_fields(status)
        )
    if submission.state is State.UNVERIFIED:
        return Outcome(result=Result.CODE, reference=name)
    if status == UNPROVEN:
        return Outcome(result=Result.QUEUED, reference=name)
    is_held = submission.state is State.HELD
    return Outcome(result=Result.QUEUED, reference=name, status=status or BUSY, is_held=is_held)


_UNKNOWN_FAULT: Final = Uncertain("UnknownFault")

_POLL_INTERVAL_S: Final = 0.05


def submission_key(nonce: str, contact: Contact) -> str:
    """Return a submission's key: a rendered form sent twice with one contact has one key.

    Args:
        nonce: The nonce of the rendered form's token.
        contact: The contact, normalised.

    Returns:
        64 hexadecimal digits (SHA-256).
    """
    values = json.dumps([nonce, dict(contact.values)], default=str, sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()


class Intake:
    """Takes the submissions of people who wait for the outcome."""

    def __init__(
        self,
        sender: Sender,
        outbox: Outbox,
        breaker: CircuitBreaker,
        timing: Timing,
        *,
        permits: Permits,
        metrics: Metrics | None = None,
    ) -> None:
        """Use these services.

        Args:
            sender: Sends what was stored.
            outbox: Stores submissions.
            breaker: Whether they are sent at once.
            timing: The time limits of delivery.
            permits: How many submissions of people this process sends at once.
            metrics: Where submissions are counted, if anywhere.
        """
        self.sender = sender
        self.outbox = outbox
        self._breaker = breaker
        self._timing = timing
        self._permits = permits
        self._metrics = metrics

    def submit(
        self,
        contact: Contact,
        key: str,
        *,
        form: str,
        shown: Collection[str] = frozenset(FIELDS),
        by: Submitter = ANONYMOUS,
        suspicion: str = "",
    ) -> Outcome:
        """Store a submission, and send it at once unless the queue is paused or full.

        The same submission sent again, as by a double click or a reload, has the same outcome.

        Args:
            contact: What to send.
            key: The submission's key, from `submission_key`.
            form: The slug of its form.
            shown: The API names of the fields that its form shows: what the portal rejects in
                another one is held for an operator.
            by: The submitter, stored with it and never sent.
            suspicion: Why an operator should review it before it is sent, or "".
        """
        with self.permit() as has_permit:
            reason = suspicion or self.reason_not_to_send(has_permit=has_permit)
            try:
                if suspicion:
                    submission, is_new = self.hold(contact, key, form=form, reason=reason, by=by)
                else:
                    submission, is_new = self.outbox.add(
                        contact, key, form=form, send=not reason, status=reason, by=by
                    )
            except DatabaseError as error:
                return self.outcome_after_error(form, key, error)
            except NoRoom:
                return self.outcome_without_room(form, key)
            if not is_new:
                return self.outcome(submission, has_permit=has_permit)
            if submission.state is State.QUEUED:
                log.info("submission %s: queued, %s", submission.reference, reason)
            is_sent = submission.state is State.SENDING
            outcome = self.send(submission, shown=shown) if is_sent else outcome_of(submission)
        # A robot in the honeypot is told "delivered"; the metrics count "held".
        is_held = outcome.is_held or submission.state is State.HELD
        self.count(form, State.HELD if is_held else outcome.result)
        return replace(outcome, is_new=True)

    def hold(
        self, contact: Contact, key: str, *, form: str, reason: str, by: Submitter
    ) -> tuple[Submission, bool]:
        """Store a suspect submission for an operator's review; return it, and whether it is new.

        Raises:
            DatabaseError: if the database fails.
            NoRoom: if the form has no place left.
        """
        submission, is_new = self.outbox.hold(contact, key, form=form, reason=reason, by=by)
        if is_new:
            log.warning("submission %s: held, %s", submission.reference, reason)
        return submission, is_new

    def correct(
        self, name: str, contact: Contact, *, shown: Contact | None = None
    ) -> Outcome | Contact | None:
        """Send a corrected contact in place of a stored one; otherwise as `submit`.

        A correction that the portal rejects stays in the outbox: the operator may walk away.

        Args:
            name: The reference of the submission.
            contact: The corrected contact.
            shown: As for `Review.correct`.

        Returns:
            The outcome; else as `Review.correct`.
        """
        with self.permit() as has_permit:
            reason = self.reason_not_to_send(has_permit=has_permit)
            try:
                submission = self.outbox.review.correct(
                    name, contact, send=not reason, status=reason, shown=shown
                )
            except DatabaseError as error:
                return _unstored(name, error)
            if submission is None or isinstance(submission, Contact):
                return submission
            if submission.state is State.QUEUED:
                return outcome_of(submission)
            return self.send(submission, shown=None)

    @contextmanager
    def permit(self) -> Iterator[bool]:
        """Acquire a permit to call the portal, for up to a deadline; yield whether there is one.

        Nobody waits for a permit while the queue is paused.
        """
        timeout = self._timing.deadline.total_seconds()
        if not self._permits.acquire(timeout=timeout, may_wait=lambda: not self._breaker.pause):
            yield False
            return
        try:
            yield True
        finally:
            self._permits.release()

    def reason_not_to_send(self, *, has_permit: bool) -> str:
        """Return the status for which a contact is not sent at once, or ""."""
        if pause := self._breaker.pause:
            return pause.status
        return "" if has_permit else BUSY

    def send(self, submission: Submission, *, shown: Collection[str] | None) -> Outcome:
        """Send a submission that the caller owns; return its outcome.

        Args:
            submission: What to send.
            shown: As for `Sender.attempt`.
        """
        error: PortalError | None = _UNKNOWN_FAULT
        with database_errors_logged(submission):
            error = self.sender.attempt(submission, shown=shown)
        return outcome_of_attempt(submission, error, is_kept=shown is None)

    def count(self, form: str, outcome: str) -> None:
        """Count a submission in the metrics."""
        if self._metrics:
            self._metrics.count_submission(form, outcome)

    def outcome_without_room(self, form: str, key: str) -> Outcome:
        """Return and count the outcome of a submission for which its form has no place."""
        self.count(form, Result.FULL)
        return Outcome(result=Result.FULL, reference=reference(key))

    def outcome_after_error(self, form: str, key: str, error: DatabaseError) -> Outcome:
        """Return and count the outcome after storing failed: the row may be stored all the same."""
        try:
            submission = self.outbox.find(key)
        except DatabaseError:
            submission = None  # if it is stored, the person's next try finds it
        outcome = outcome_of(submission) if submission else _unstored(reference(key), error)
        self.count(form, outcome.result)
        return outcome

    def outcome(self, submission: Submission, *, has_permit: bool | None = None) -> Outcome:
        """Return a submission's outcome; wait for it while another request or process sends it.

        Args:
            submission: As it was found.
            has_permit: Whether the caller has a permit; without one nobody waits, so that enough
                threads are left for pages. None: one is acquired if necessary.
        """
        if submission.state is State.SENDING and has_permit is None:
            with self.permit() as acquired:
                return self.outcome(submission, has_permit=acquired)
        return outcome_of(self._wait_for(submission) if has_permit else submission)

    def _wait_for(self, submission: Submission) -> Submission:
        """Wait up to a deadline while this submission is being sent."""
        expires = time.monotonic() + self._timing.deadline.total_seconds()
        with database_errors_logged(submission):
            while submission.state is State.SENDING and time.monotonic() < expires:
                time.sleep(_POLL_INTERVAL_S)
                submission = self.outbox.find(submission.key) or submission
        return submission


def _unstored(name: str, error: DatabaseError) -> Outcome:
    log.error("submission %s: not stored, %s", name, error)
    return Outcome(result=Result.UNSTORED, reference=name, status=STORE_FAILED)
