"""The times that a delivery goes by, all of them derived from two settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take at most.

    Attributes:
        deadline: One call to the portal, headers and body included.
        settle: How long the portal may still be applying a call whose answer was lost.
    """

    deadline: timedelta
    settle: timedelta

    @property
    def lease(self) -> timedelta:
        """How long a contact is its sender's alone: a look, a call, and as much to spare."""
        return 3 * self.deadline
