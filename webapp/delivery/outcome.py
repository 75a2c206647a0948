"""What a page may say about a submission."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from webapp.delivery.submission import HONEYPOT, UNPROVEN, State
from webapp.portal.base import Rejected

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
    """

    result: Result
    reference: str
    status: str = ""


def outcome_of_attempt(submission: Submission, error: PortalError | None) -> Outcome:
    """Return the outcome for the person who waited for an attempt."""
    if error is None:
        return Outcome(result=Result.DELIVERED, reference=submission.reference)
    result = Result.REJECTED if isinstance(error, Rejected) else Result.QUEUED
    return Outcome(result=result, reference=submission.reference, status=error.status)


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
        return Outcome(result=Result.REJECTED, reference=name, status=status)
    if submission.state is State.UNVERIFIED:
        return Outcome(result=Result.CODE, reference=name)
    if status == UNPROVEN:
        return Outcome(result=Result.QUEUED, reference=name)
    return Outcome(result=Result.QUEUED, reference=name, status=status or BUSY)
