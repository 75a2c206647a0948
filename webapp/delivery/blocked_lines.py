"""Finds out whether a person has blocked the line from which messages will come."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from webapp.portal.base import MethodNotAllowed, PortalError

if TYPE_CHECKING:
    from webapp.delivery.circuit_breaker import CircuitBreaker
    from webapp.portal.base import Portal

log = logging.getLogger(__name__)

_NOT_ALLOWED_INTERVAL_S: Final = 600.0  # between two calls with a token that may not ask


class BlockedLines:
    """Asks the portal. What cannot be found out in time counts as not blocked."""

    def __init__(self, portal: Portal, breaker: CircuitBreaker) -> None:
        """Ask this portal, for whose calls a person waits; not while this breaker is open."""
        self._portal = portal
        self._breaker = breaker
        self._ask_at = 0.0

    def is_blocked(self, mobile: str, line: str) -> bool:
        """Return whether this number has cancelled the messages of this line."""
        if self._breaker.pause or time.monotonic() < self._ask_at:
            return False
        try:
            return self._portal.is_blocked(mobile, line)
        except MethodNotAllowed as error:
            log.warning("blocked lines are not found: the token may not ask, %s", error)
            self._ask_at = time.monotonic() + _NOT_ALLOWED_INTERVAL_S
        except PortalError as error:
            log.info("it was not found out whether a line is blocked: %s", error)
        return False
