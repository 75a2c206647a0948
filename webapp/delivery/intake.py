"""Takes submissions: stored before they are sent, each of them once; says what the outcome is.

The promise: an accepted contact is never lost, and reaches the portal twice only if the portal
applies a call later than the settling time, or does not let us look.
"""

from __future__ import annotations

import enum
import hashlib
import json
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from webapp.delivery.database import DatabaseError
from webapp.delivery.sender import database_errors_logged
from webapp.delivery.submission import HONEYPOT, UNPROVEN, State, Submission, reference
from webapp.portal.base import (
    PortalError,
    Rejected,
    Uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from webapp.contact import Contact
    from webapp.delivery.circuit_breaker import CircuitBreaker
    from webapp.delivery.outbox import Outbox
    from webapp.delivery.permits import Permits
    from webapp.delivery.sender import Sender
    from webapp.delivery.timing import Timing
    from webapp.observability.metrics import Metrics


log = logging.getLogger(__name__)

# Our own statuses, in the portal's style.
BUSY: Final = "QueueBusy"
STORE_FAILED: Final = "StoreFailed"

# What is known when the store fails behind a call.
_UNKNOWN: Final = Uncertain("UnknownFault")

_POLL_INTERVAL_S: Final = 0.05  # seconds between two looks at the same submission under way


class Result(enum.StrEnum):
    """What the page may say of a submission; nothing it says is untrue, but to a robot."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    QUEUED = "queued"
    UNSTORED = "unstored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one submission.

    Attributes:
        result: What the page may say.
        reference: A short name for the submission, without personal data.
        status: The status name of what went wrong, the portal's or ours, or "".
    """

    result: Result
    reference: str
    status: str = ""


def submission_key(nonce: str, contact: Contact) -> str:
    """Name a submission: the same form sent twice with the same contact has the same key.

    Args:
        nonce: The nonce of the rendered form's token.
        contact: The contact, normalised.

    Returns:
        64 hexadecimal digits (SHA-256).
    """
    values = json.dumps([nonce, dict(contact.values)], default=str, sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _New:
    """A submission that is to be stored."""

    contact: Contact
    key: str
    form: str
    operator: str | None


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
        """Put the parts together.

        Args:
            sender: Sends what was stored.
            outbox: Where submissions are stored.
            breaker: Whether they are sent at once.
            timing: How long a call may last.
            permits: How many people's contacts this process sends at once.
            metrics: Where submissions are counted, if anywhere.
        """
        self.sender = sender
        self._outbox = outbox
        self._breaker = breaker
        self._timing = timing
        self._permits = permits
        self._metrics = metrics
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    def submit(
        self,
        contact: Contact,
        key: str,
        *,
        form: str,
        operator: str | None = None,
        vet: Callable[[], str] | None = None,
    ) -> Outcome:
        """Store a submission, and send it at once unless the portal is known not to take it.

        The same submission sent again, as by a double click or a reload, has the same outcome.

        Args:
            contact: What to send.
            key: The submission's key, from `submission_key`.
            form: The slug of its form.
            operator: Who submitted it, if that is known; kept beside it, and never sent.
            vet: Asked once for each new submission, before it is stored: returns why an operator
                should look at it first, or "". What it raises is passed on.
        """
        new = _New(contact, key, form, operator)
        with self._permit() as has_permit:
            try:
                submission, is_new = self._add(new, vet, has_permit=has_permit)
            except DatabaseError as error:
                outcome = self._perhaps_stored(key, error)
                self._count(form, outcome.result)
                return outcome
            if not is_new:
                return _outcome(self._awaited(submission) if has_permit else submission)
            is_sent = submission.state is State.SENDING
            outcome = self._send(submission, told=True) if is_sent else _outcome(submission)
        # A robot is told that it was delivered; an operator's metrics say better.
        self._count(form, submission.state if submission.state is State.HELD else outcome.result)
        return outcome

    def correct(self, name: str, contact: Contact) -> Outcome | None:
        """Send a corrected contact in the place of the one of this reference; as `submit`.

        One that the portal rejects stays in the outbox: the operator may walk away.

        Returns:
            The outcome, or None if there is nothing to correct any more.
        """
        with self._permit() as has_permit:
            reason = self._reason_not_to_send(has_permit=has_permit)
            try:
                submission = self._outbox.correct(name, contact, send=not reason, status=reason)
            except DatabaseError as error:
                return _unstored(name, error)
            if submission is None:
                return None
            if submission.state is State.QUEUED:
                return _outcome(submission)
            return self._send(submission, told=False)

    @contextmanager
    def _permit(self) -> Iterator[bool]:
        """Take a permit to call the portal, waiting as long as a call may last; yield if there is.

        Nobody waits while the queue is paused.
        """
        timeout = self._timing.deadline.total_seconds()
        if not self._permits.acquire(timeout=timeout, may_wait=lambda: not self._breaker.pause):
            yield False
            return
        try:
            yield True
        finally:
            self._permits.release()

    def _add(
        self, new: _New, vet: Callable[[], str] | None, *, has_permit: bool
    ) -> tuple[Submission, bool]:
        """Vet and store a submission, or find it; return its entry, and whether it is new."""
        if vet is None:
            return self._database(new, has_permit=has_permit)
        # One of several at once is vetted and stored, the others find it.
        with self._turns.setdefault(new.key, threading.Lock()):
            if found := self._outbox.find(new.key):
                return found, False
            if suspicion := vet():
                log.warning("submission %s: held, %s", reference(new.key), suspicion)
                return self._outbox.hold(new.contact, new.key, form=new.form, reason=suspicion)
            return self._database(new, has_permit=has_permit)

    def _database(self, new: _New, *, has_permit: bool) -> tuple[Submission, bool]:
        reason = self._reason_not_to_send(has_permit=has_permit)
        submission, is_new = self._outbox.add(
            new.contact,
            new.key,
            form=new.form,
            send=not reason,
            status=reason,
            operator=new.operator,
        )
        if is_new and reason:
            log.info("submission %s: queued, %s", submission.reference, reason)
        return submission, is_new

    def _reason_not_to_send(self, *, has_permit: bool) -> str:
        """Return the status for which a contact is not sent at once, or ""."""
        if pause := self._breaker.pause:
            return pause.status
        return "" if has_permit else BUSY

    def _send(self, submission: Submission, *, told: bool) -> Outcome:
        failure: PortalError | None = _UNKNOWN
        with database_errors_logged(submission):
            failure = self.sender.attempt(submission, told=told)
        return _told(submission, failure)

    def _count(self, form: str, outcome: str) -> None:
        if self._metrics:
            self._metrics.submitted(form, outcome)

    def _perhaps_stored(self, key: str, error: DatabaseError) -> Outcome:
        """Say what became of a submission whose storing failed: its answer may have been lost."""
        try:
            submission = self._outbox.find(key)
        except DatabaseError:
            submission = (
                None  # as far as anybody can tell; sent again, the form is the same submission
            )
        return _outcome(submission) if submission else _unstored(reference(key), error)

    def _awaited(self, submission: Submission) -> Submission:
        """Wait while another request or process sends this entry, as long as a call may last."""
        patience = time.monotonic() + self._timing.deadline.total_seconds()
        with database_errors_logged(submission):
            while submission.state is State.SENDING and time.monotonic() < patience:
                time.sleep(_POLL_INTERVAL_S)
                submission = self._outbox.find(submission.key) or submission
        return submission


def _unstored(name: str, error: DatabaseError) -> Outcome:
    log.error("submission %s: not stored, %s", name, error)
    return Outcome(result=Result.UNSTORED, reference=name, status=STORE_FAILED)


def _told(submission: Submission, error: PortalError | None) -> Outcome:
    """Return the outcome for the person who waited for it."""
    if error is None:
        return Outcome(result=Result.DELIVERED, reference=submission.reference)
    result = Result.REJECTED if isinstance(error, Rejected) else Result.QUEUED
    return Outcome(result=result, reference=submission.reference, status=error.status)


def _outcome(submission: Submission) -> Outcome:
    """Return the outcome of an entry as it stands."""
    name, status = submission.reference, submission.status
    is_baited = submission.state is State.HELD and status == HONEYPOT  # a robot learns nothing
    if submission.state is State.DELIVERED or is_baited:
        return Outcome(result=Result.DELIVERED, reference=name)
    if submission.state is State.REJECTED:
        return Outcome(result=Result.REJECTED, reference=name, status=status)
    if status == UNPROVEN:
        return Outcome(result=Result.QUEUED, reference=name)
    return Outcome(result=Result.QUEUED, reference=name, status=status or BUSY)
