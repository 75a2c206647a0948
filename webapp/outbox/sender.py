"""Sends submissions to the portal, or finds that the portal has them, and settles them.

The portal documents no maximum lengths, and its statuses `Length_Invalid` and `Length_Exceeded`
name no field: what it has accepted before cannot be the reason.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, Integer, String, Table, bindparam, select, update

from webapp.contact import Contact
from webapp.database import Database, DatabaseError
from webapp.database.engine import metadata
from webapp.observability.metrics import Metrics
from webapp.outbox import Outbox
from webapp.outbox.circuit_breaker import CircuitBreaker
from webapp.outbox.rows import PERHAPS_RECORDED, REVIEW_STATUSES, State, Submission, Timing
from webapp.portal import (
    BY_NAME,
    MethodNotAllowed,
    Portal,
    PortalError,
    Refused,
    Rejected,
    SlowDown,
    Uncertain,
    Unexplained,
    Unreachable,
)

log = logging.getLogger(__name__)


_accepted_lengths: Final = Table(
    "accepted_lengths",
    metadata,
    Column("field", String(40), primary_key=True),
    Column("length", Integer, nullable=False),
)
_lengths: Final = _accepted_lengths.c
_UPDATE_TO_LONGER: Final = (
    update(_accepted_lengths)
    .where(_lengths.field == bindparam("name"), _lengths.length < bindparam("found"))
    .values(length=bindparam("found"))
)


class AcceptedLengths:
    """The longest texts that the portal has accepted, by field, in code points.

    Each method raises a DatabaseError if the database fails.
    """

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
        self._database = database
        self._known: dict[str, int] = {}

    def add(self, contact: Contact) -> None:
        """Record the lengths of a contact that the portal has accepted."""
        if not self._longer(contact):
            return
        self._read()
        longer = self._longer(contact)
        if not longer:
            return
        with self._database.write() as connection:
            for name, length in longer.items():
                connection.execute(
                    self._database.insert_or_ignore(_accepted_lengths, field=name, length=length)
                )
                connection.execute(_UPDATE_TO_LONGER, {"name": name, "found": length})
        self._known.update(longer)

    def exceeding(self, contact: Contact) -> tuple[str, ...]:
        """Return the API names of the fields that are longer than any value accepted before."""
        self._read()
        return tuple(self._longer(contact))

    def _read(self) -> None:
        with self._database.read() as connection:
            rows = connection.execute(select(_lengths.field, _lengths.length)).all()
        self._known = {row.field: row.length for row in rows}

    def _longer(self, contact: Contact) -> dict[str, int]:
        lengths = {name: _length(value) for name, value in contact.values.items()}
        return {name: n for name, n in lengths.items() if n > self._known.get(name, 0)}


def _length(value: object) -> int:
    """Return the length of a text, or of the longest label; 0 for other types."""
    if isinstance(value, tuple):
        return max(map(len, value), default=0)
    return len(value) if isinstance(value, str) else 0


# Our own status, named like the portal's.
LABELS_UNKNOWN: Final = "LabelsNotLookedUp"

_FIRST_BACKOFF_S: Final = 1.0
_MAX_BACKOFF_S: Final = 15 * 60.0
_MAX_DOUBLINGS: Final = 10
# Retrying does not change an answer without a reason, nor a lookup that never works.
_MAX_UNEXPLAINED: Final = 5
# An answer that cannot be read may be a success in a form that we do not know.
_MAX_UNREADABLE: Final = 2
_MAX_LOOKUP_FAILURES: Final = 10
# A token that may not search fails for good, unless an operator corrects the permission.
_NOT_ALLOWED_WEIGHT: Final = 5


class Sender:
    """Sends one submission at a time, for the person who waits and for the worker."""

    def __init__(
        self,
        portal: Portal,
        outbox: Outbox,
        breaker: CircuitBreaker,
        timing: Timing,
        accepted_lengths: AcceptedLengths,
        metrics: Metrics | None = None,
    ) -> None:
        """Send submissions of this outbox to this portal.

        Args:
            portal: Receives contacts, and is searched for them.
            outbox: Holds the submissions.
            breaker: Is told the results.
            timing: The time limits of delivery.
            accepted_lengths: Which of a contact's values may be too long for the portal.
            metrics: Where second sendings are counted, if anywhere.
        """
        self._metrics = metrics
        self._portal = portal
        self._outbox = outbox
        self._breaker = breaker
        self._timing = timing
        self._accepted_lengths = accepted_lengths

    def attempt(
        self, submission: Submission, *, shown: Collection[str] | None = None
    ) -> PortalError | None:
        """Send a submission that the caller owns, or find that the portal has it; settle it.

        Args:
            submission: What to send.
            shown: The API names of the fields of the form whose person waits for the outcome, and
                still has what they typed; None if nobody waits.

        Returns:
            What went wrong, or None if the portal has the contact. Its `fields` name what the
            person can correct.
        """
        known: list[int | None] = []
        if submission.uncertain:
            try:
                submission, known = self._look_up(submission)
            except PortalError as error:
                weight = _lookup_weight(error)
                failures = submission.failed_lookups + weight
                if not weight or failures < _MAX_LOOKUP_FAILURES:
                    self._postpone_lookup(submission, error, failures)
                    return error
                if submission.resent_without_lookup:  # it was sent twice, which is the most
                    self._hold(submission, PERHAPS_RECORDED)
                    return error
                log.warning("submission %s: sent again without a lookup", submission.reference)
                resent = self._outbox.mark_resent(replace(submission, failed_lookups=failures))
                if resent is None:
                    return Uncertain("LeaseLost")
                submission = resent
                if self._metrics:
                    self._metrics.count_resent(submission.form)
        if known:
            self._deliver(submission, known[0])
            return None
        return self._send(submission, shown=shown)

    def _look_up(self, submission: Submission) -> tuple[Submission, list[int | None]]:
        """Return the submission, and the IDs under which the portal has its contact.

        The status of the submission is changed if its labels could not be compared.
        """
        contact = _contact(submission)
        known = self._portal.find_contacts(contact, since=submission.created_at)
        # The same person may have submitted the same before; that contact has its own submission.
        others = self._outbox.delivered_as([number for number in known if number is not None])
        known = [number for number in known if number not in others]
        try:
            labelled = self._portal.with_labels(contact, known, until=submission.send_by)
        except SlowDown:
            raise
        except PortalError as error:
            log.warning(
                "submission %s: labels not looked up, %s", submission.reference, error.status
            )
            return replace(submission, status=LABELS_UNKNOWN), known
        if not labelled:  # so an earlier call without a lookup stored nothing either
            submission = replace(submission, resent_without_lookup=False)
        return submission, labelled

    def _send(self, submission: Submission, *, shown: Collection[str] | None) -> PortalError | None:
        if time.monotonic() > submission.send_by:
            log.warning("submission %s: not sent, its lease expires", submission.reference)
            return Uncertain("LeaseLost")
        sent_at = datetime.now(UTC).replace(tzinfo=None)
        try:
            portal_id = self._portal.create_contact(_contact(submission))
        except PortalError as error:
            # Before the submission is settled: another process would claim it and try at once.
            self._report_failure(submission, error)
            if isinstance(error, Rejected):
                self._settle_rejected(submission, error, shown)
            else:
                self._settle(submission, error, sent_at)
            return error
        self._deliver(submission, portal_id)
        with database_errors_logged(submission):
            self._breaker.succeeded()
        return None

    def _deliver(self, submission: Submission, portal_id: int | None) -> None:
        log.info("submission %s: delivered", submission.reference)
        with database_errors_logged(submission):
            self._accepted_lengths.add(_contact(submission))
            self._outbox.deliver(submission, portal_id)

    def _settle_rejected(
        self, submission: Submission, error: Rejected, shown: Collection[str] | None
    ) -> None:
        """Settle a rejected submission.

        It is left to the person who waits if their form shows what is wrong; otherwise an operator
        corrects it.
        """
        with database_errors_logged(submission):
            if error.concerns_length:
                longer = self._accepted_lengths.exceeding(_contact(submission))
                error.fields = longer if len(longer) == 1 else ()
            if shown is not None:
                error.fields = tuple(name for name in error.fields if name in shown)
            if shown is None or error.fields:
                log.info("submission %s: rejected, %s", submission.reference, error.status)
                self._outbox.reject(submission, error.status, erase=shown is not None)
            else:
                self._hold(submission, error.status)

    def _settle(self, submission: Submission, error: PortalError, sent_at: datetime) -> None:
        """Settle a submission whose call failed, by the kind of error."""
        uncertain: dict[str, Any] = {
            "uncertain": True,
            # After a second call without a lookup, one more failed lookup ends the attempts.
            "failed_lookups": submission.failed_lookups if submission.resent_without_lookup else 0,
            "first_sent_at": submission.first_sent_at or sent_at,
            "last_sent_at": sent_at,
        }
        match error:
            case Uncertain() if error.is_answer:
                self._settle_unexplained(submission, error, uncertain)
            case Uncertain():
                self._postpone(submission, error, self._settle_delay(submission), **uncertain)
            case Refused() | SlowDown():  # the contact is not at fault: no failed attempt
                self._postpone(
                    submission, error, timedelta(0), failed=False, resent_without_lookup=False
                )
            case _:
                self._postpone(
                    submission, error, _backoff(submission.attempts), resent_without_lookup=False
                )

    def _settle_unexplained(
        self, submission: Submission, error: Uncertain, uncertain: dict[str, Any]
    ) -> None:
        """Settle a submission for which the portal gave no reason, or one that cannot be read."""
        count = submission.unexplained + 1
        is_readable = isinstance(error, Unexplained) or error.status in BY_NAME
        changes = uncertain | {"unexplained": count}
        if (
            count < (_MAX_UNEXPLAINED if is_readable else _MAX_UNREADABLE)
            or submission.resent_without_lookup
        ):
            self._postpone(submission, error, self._settle_delay(submission), **changes)
        else:
            status = error.status if is_readable else PERHAPS_RECORDED
            self._hold(submission, status, **changes)

    def _hold(self, submission: Submission, status: str, **changes: object) -> None:
        """Leave a submission to an operator."""
        log.warning("submission %s: held, %s", submission.reference, status)
        with database_errors_logged(submission):
            self._outbox.hold_after_attempt(submission, status, **changes)

    def _settle_delay(self, submission: Submission) -> timedelta:
        """Return how long a submission waits before it is looked up."""
        return max(_backoff(submission.attempts), self._timing.settle)

    def _postpone_lookup(self, submission: Submission, error: PortalError, failures: int) -> None:
        """Queue a submission again whose lookup failed."""
        if not isinstance(error, MethodNotAllowed):
            self._report_failure(submission, error)
        counts = failures > submission.failed_lookups
        pause = self._settle_delay(submission) if counts else timedelta(0)
        self._postpone(submission, error, pause, failed=False, failed_lookups=failures)

    def _report_failure(self, submission: Submission, error: PortalError) -> None:
        with database_errors_logged(submission):
            self._breaker.failed(error)

    def _postpone(
        self,
        submission: Submission,
        error: PortalError,
        pause: timedelta,
        *,
        failed: bool = True,
        **changes: object,
    ) -> None:
        """Queue a submission again, or hold it if it has failed for too long."""
        kind = type(error).__name__
        log.warning(
            "submission %s: %s, %s %s", submission.reference, kind, error.status, error.cause
        )
        with database_errors_logged(submission):
            state = self._outbox.postpone(
                submission, pause, failed=failed, status=error.status, **changes
            )
            if state is State.HELD:
                log.warning("submission %s: held, it failed for too long", submission.reference)

    def ping(self) -> PortalError | None:
        """Make a harmless call to the portal; return why it gave no answer, or None."""
        try:
            self._portal.ping()
        except PortalError as error:
            return None if error.is_answer else error
        return None


def _contact(submission: Submission) -> Contact:
    assert submission.contact is not None  # nosec B101  # noqa: S101  for the type checker: erased ones are not sent
    return submission.contact


def _lookup_weight(error: PortalError) -> int:
    """Return the weight of a failed lookup toward giving up on lookups.

    Transport errors weigh 0: sending would fail as well.
    """
    if isinstance(error, MethodNotAllowed):
        return _NOT_ALLOWED_WEIGHT
    return 0 if isinstance(error, Refused | SlowDown | Unreachable) else 1


def _backoff(failures: int) -> timedelta:
    """Return an exponential backoff with jitter, so that retries spread out."""
    longest = min(_FIRST_BACKOFF_S * 2 ** min(failures, _MAX_DOUBLINGS), _MAX_BACKOFF_S)
    return timedelta(seconds=random.uniform(longest / 2, longest))  # nosec B311  # noqa: S311  no secret


def is_given_up(submission: Submission) -> bool:
    """Return whether a submission is held because it failed for too long."""
    is_held = submission.state is State.HELD and submission.status not in REVIEW_STATUSES
    is_rejected = BY_NAME.get(submission.status) is Rejected
    return is_held and not is_rejected and submission.unexplained < _MAX_UNEXPLAINED


@contextmanager
def database_errors_logged(submission: Submission) -> Iterator[None]:
    """Log a database error and go on: when the lease expires, the submission is looked up."""
    try:
        yield
    except DatabaseError as error:
        log.error("submission %s: not settled, %s", submission.reference, error)  # noqa: TRY400  no traceback
