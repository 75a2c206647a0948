"""The time limits of delivery, all derived from two settings."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Timing:
    """The time limits of delivery.

    Attributes:
        deadline: The maximum duration of one call to the portal, headers and body included.
        settle: How long the portal may still apply a call whose response was lost.
    """

    deadline: timedelta
    settle: timedelta

    @property
    def lease(self) -> timedelta:
        """How long an owner keeps a submission: one lookup, one call, and one more as reserve."""
        return 3 * self.deadline

    def send_by(self) -> float:
        """Return the monotonic time (s) after which an owner must not start to send.

        A call that starts by then ends within the lease.
        """
        return time.monotonic() + (self.lease - self.deadline).total_seconds()
