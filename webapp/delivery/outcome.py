"""What a page may say about a submission."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from webapp.delivery.submission import HONEYPOT, UNPROVEN, State
from webapp.portal.base import Rejected
from webapp.portal.statuses import rejected_fields

if TYPE_CHECKING:
    from webapp.delivery.submission import Submission
    from webapp.portal.base import PortalError

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
