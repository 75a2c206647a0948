"""Sends submissions to the portal, or finds that it has them, and settles them."""

from __future__ import annotations

import logging
import random
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from webapp.delivery.database import DatabaseError
from webapp.delivery.submission import SUSPECT_STATUSES, State, Submission
from webapp.portal.base import (
    MethodNotAllowed,
    PortalError,
    Refused,
    Rejected,
    SlowDown,
    Uncertain,
    Unexplained,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.contact import Contact
    from webapp.delivery.circuit_breaker import CircuitBreaker
    from webapp.delivery.outbox import Outbox
    from webapp.delivery.timing import Timing
    from webapp.portal.base import Portal

log = logging.getLogger(__name__)

# Our own status, in the portal's style.
LABELS_UNKNOWN: Final = "LabelsNotLookedUp"

_FIRST_PAUSE: Final = 1.0  # seconds; each is twice the one before
_LONGEST_PAUSE: Final = 15 * 60.0
_DOUBLINGS: Final = 10
# Asking again will not change an answer without a reason, nor a search that never works. That the
# token may not search counts for more: it is clear, but it may be a slip.
_UNEXPLAINED: Final = 5
_LOOKS: Final = 10
_NOT_ALLOWED: Final = 5


class Sender:
    """Sends one submission at a time, for the person who waits and for the background alike."""

    def __init__(
        self, portal: Portal, outbox: Outbox, breaker: CircuitBreaker, timing: Timing
    ) -> None:
        """Send to this portal what the outbox holds, while the breaker is closed."""
        self._portal = portal
        self._outbox = outbox
        self._breaker = breaker
        self._timing = timing

    def attempt(self, submission: Submission, *, told: bool = False) -> PortalError | None:
        """Send an entry that the caller owns, or find that the portal has it; settle it.

        Args:
            submission: What to send.
            told: Whether the person who submitted it hears of the outcome at once.

        Returns:
            What went wrong, or None if the portal has the contact.
        """
        known: list[int | None] = []
        if submission.uncertain:
            try:
                submission, known = self._look(submission)
            except PortalError as error:
                looks = submission.looks + _weight(error)
                if looks < _LOOKS:
                    self._look_later(submission, error, looks)
                    return error
                log.warning("submission %s: sent again without looking", submission.reference)
                submission = replace(submission, blind=True)
        if known:
            self._delivered(submission, known[0])
            return None
        return self._send(submission, told=told)

    def _look(self, submission: Submission) -> tuple[Submission, list[int | None]]:
        """Return the entry, and under which IDs the portal has its contact.

        The entry's status says when its labels could not be compared.
        """
        known = self._portal.find_contacts(_contact(submission), since=submission.created_at)
        # The same person may have submitted the same before: that one is accounted for.
        others = self._outbox.delivered_as([number for number in known if number is not None])
        known = [number for number in known if number not in others]
        try:
            return submission, self._portal.with_labels(
                _contact(submission), known, until=submission.send_by
            )
        except SlowDown:
            raise
        except PortalError as error:
            log.warning(
                "submission %s: labels not looked up, %s", submission.reference, error.status
            )
            return replace(submission, status=LABELS_UNKNOWN), known

    def _send(self, submission: Submission, *, told: bool) -> PortalError | None:
        if time.monotonic() > submission.send_by:
            log.warning("submission %s: left to others, it took too long", submission.reference)
            return Uncertain("LeaseLost")
        try:
            portal_id = self._portal.create_contact(_contact(submission))
        except PortalError as error:
            self._report(submission, error)  # first: else another process would try it at once
            self._settle(submission, error, told=told)
            return error
        self._delivered(submission, portal_id)
        with database_errors_logged(submission):
            self._breaker.succeeded()
        return None

    def _delivered(self, submission: Submission, portal_id: int | None) -> None:
        log.info("submission %s: delivered", submission.reference)
        with database_errors_logged(submission):
            self._outbox.deliver(submission, portal_id)

    def _settle(self, submission: Submission, error: PortalError, *, told: bool) -> None:
        """Settle an entry whose call went wrong, by what is to be done next."""
        doubts: dict[str, Any] = {"uncertain": True, "looks": 0}
        unexplained: dict[str, Any] = {"unexplained": submission.unexplained + 1}
        match error:
            case Rejected():
                log.info("submission %s: rejected, %s", submission.reference, error.status)
                with database_errors_logged(submission):
                    self._outbox.reject(submission, error.status, told=told)
            case Unexplained() if submission.unexplained + 1 >= _UNEXPLAINED:
                log.warning("submission %s: held, %s", submission.reference, error.status)
                with database_errors_logged(submission):
                    self._outbox.hold_after_attempt(
                        submission, error.status, **doubts, **unexplained
                    )
            case Unexplained():
                self._put_off(
                    submission, error, self._settling(submission), **doubts, **unexplained
                )
            case Uncertain():
                self._put_off(submission, error, self._settling(submission), **doubts)
            case Refused() | SlowDown():  # not the contact's fault: no attempt of its own
                self._put_off(submission, error, timedelta(0), failed=False)
            case _:
                self._put_off(submission, error, _pause(submission.attempts))

    def _settling(self, submission: Submission) -> timedelta:
        """Return how long an entry waits before it is looked up."""
        return max(_pause(submission.attempts), self._timing.settle)

    def _look_later(self, submission: Submission, error: PortalError, looks: int) -> None:
        """Queue an entry again that could not be looked up."""
        if not isinstance(error, MethodNotAllowed):
            self._report(submission, error)
        pause = self._settling(submission) if looks > submission.looks else timedelta(0)
        self._put_off(submission, error, pause, failed=False, looks=looks)

    def _report(self, submission: Submission, error: PortalError) -> None:
        with database_errors_logged(submission):
            self._breaker.failed(error)

    def _put_off(
        self,
        submission: Submission,
        error: PortalError,
        pause: timedelta,
        *,
        failed: bool = True,
        **changes: object,
    ) -> None:
        """Queue an entry again, or leave it to the operator if that went on for too long."""
        told = (submission.reference, type(error).__name__, error.status, error.cause)
        log.warning("submission %s: %s, %s %s", *told)
        with database_errors_logged(submission):
            state = self._outbox.postpone(
                submission, pause, failed=failed, status=error.status, **changes
            )
            if state is State.HELD:
                log.warning("submission %s: held, it was tried for too long", submission.reference)

    def ping(self) -> PortalError | None:
        """Ask the portal for something harmless; return why it gives no answer, or None."""
        try:
            self._portal.ping()
        except PortalError as error:
            return None if error.is_answer else error
        return None


def _contact(submission: Submission) -> Contact:
    assert submission.contact is not None  # nosec B101  # noqa: S101  for the type checker: erased ones are not sent
    return submission.contact


def _weight(error: PortalError) -> int:
    """Return how much a failed look says of looking: other trouble would hit a sending as well."""
    if isinstance(error, MethodNotAllowed):
        return _NOT_ALLOWED
    return 0 if isinstance(error, Refused | SlowDown | Unreachable) else 1


def _pause(failures: int) -> timedelta:
    """Return a growing pause, of a random length: what failed together is not sent together."""
    longest = min(_FIRST_PAUSE * 2 ** min(failures, _DOUBLINGS), _LONGEST_PAUSE)
    return timedelta(seconds=random.uniform(longest / 2, longest))  # nosec B311  # noqa: S311  no secret


def is_given_up(submission: Submission) -> bool:
    """Tell whether an entry is held because sending it went wrong for too long."""
    is_held = submission.state is State.HELD and submission.status not in SUSPECT_STATUSES
    return is_held and submission.unexplained < _UNEXPLAINED


@contextmanager
def database_errors_logged(submission: Submission) -> Iterator[None]:
    """Go on without the database: the lease ends, and the entry is looked up and settled."""
    try:
        yield
    except DatabaseError as error:
        log.error("submission %s: not settled, %s", submission.reference, error)  # noqa: TRY400  no traceback
