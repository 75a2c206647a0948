"""The account's credit, fetched now and then for the metrics."""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING, Final

from webapp.observability import log_exception
from webapp.portal.base import PortalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.delivery.circuit_breaker import CircuitBreaker
    from webapp.observability.metrics import Metrics

log = logging.getLogger(__name__)

FETCH_INTERVAL_S: Final = 900.0
FIRST_FETCH_S: Final = 60.0  # after the start, which has other work


class Credit:
    """Fetches the account's credit."""

    def __init__(
        self, fetch: Callable[[], str], breaker: CircuitBreaker, metrics: Metrics | None
    ) -> None:
        """Set the call that returns the credit as the portal writes it.

        Args:
            fetch: The call.
            breaker: While it is open, nothing is fetched.
            metrics: Where the credit is set; None if nobody wants to know it.
        """
        self._fetch = fetch
        self._breaker = breaker
        self._metrics = metrics
        self._failure = ""  # the status of the last fetch, "" if it succeeded
        self._thread: threading.Thread | None = None

    def start_fetch(self) -> None:
        """Fetch in a thread of its own, so that nobody waits; unless the last one still does."""
        if self._metrics and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._fetch_logged, name="credit", daemon=True)
            self._thread.start()

    def _fetch_logged(self) -> None:
        try:
            self.refresh()
        except Exception as error:  # noqa: BLE001  the next time may work
            log_exception(log, error)

    def refresh(self) -> None:
        """Fetch the credit once, unless the queue is paused; if that fails, the last one stays."""
        if self._breaker.pause or self._metrics is None:
            return
        try:
            written = self._fetch()
        except PortalError as error:
            if error.status != self._failure:
                log.info("the account's credit is not fetched: %s", error.status)
            self._failure = error.status
            return
        self._failure = ""
        credit = parse_credit(written)
        if credit is not None:
            self._metrics.set_credit(credit)


def parse_credit(written: str) -> float | None:
    """Return a credit as a number; None if it is none."""
    try:
        credit = float(written.replace(",", ""))
    except ValueError:
        return None
    return credit if math.isfinite(credit) else None
