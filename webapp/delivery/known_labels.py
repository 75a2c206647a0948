"""The labels that exist in the portal: fetched in the background, kept while the portal is down.

Operators' forms suggest them, and ask about a label that differs from one of them in its spelling.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from webapp.observability import log_exception
from webapp.persian import InvalidText, parse_labels, spelling_key
from webapp.portal.base import MethodNotAllowed, PortalError, SlowDown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from webapp.delivery.circuit_breaker import CircuitBreaker
    from webapp.portal.base import Portal

log = logging.getLogger(__name__)

_RETRY_INTERVAL_S: Final = 60.0  # after a failed call
_PAUSE_CHECK_INTERVAL_S: Final = 5.0  # while the circuit breaker is open
_NOT_ALLOWED_INTERVAL_S: Final = 6 * 3600.0  # a person must change the token in the portal


class KnownLabels:
    """Labels that exist; without those that nobody can type: too long, or with a separator.

    Attributes:
        names: The labels as the portal writes them, most used first.
        version: Another number for each change of the list.
    """

    def __init__(self, names: Iterable[str] = (), *, version: int = 0) -> None:
        """Index these labels, most used first."""
        self.version = version
        self._spellings: dict[str, tuple[str, ...]] = {}
        keys = {name: key for name in names if (key := _key(name))}
        self.names = tuple(keys)
        for name, key in keys.items():
            self._spellings[key] = (*self._spellings.get(key, ()), name)

    def spellings(self, label: str) -> tuple[str, ...]:
        """Return the known labels that people read as this one, most used first."""
        return self._spellings.get(spelling_key(label), ())


def _key(name: str) -> str:
    """Return the key of a label's spelling as it is read from a form; "" if it cannot be."""
    try:
        read = parse_labels((name,), label=name)
    except InvalidText:
        return ""
    return spelling_key(read[0]) if len(read) == 1 else ""


class LabelList:
    """Keeps the list of a portal's labels up to date.

    It starts no thread before `start`, so a server may fork after building it.
    """

    def __init__(self, portal: Portal, breaker: CircuitBreaker, *, interval_s: float) -> None:
        """Set up the list, empty.

        Args:
            portal: Where the labels are.
            breaker: While it is open, they are not fetched.
            interval_s: Seconds between two fetches; 0 for none.
        """
        self._portal = portal
        self._breaker = breaker
        self._interval_s = interval_s
        self._known = KnownLabels()
        self._failure = ""  # the status of the last fetch, "" if it succeeded
        self._stopped = threading.Event()

    def known(self) -> KnownLabels:
        """Return the labels as last fetched. Never calls the portal."""
        return self._known

    def start(self) -> None:
        """Fetch in a thread, now and at intervals. Call it in the process that serves."""
        if self._interval_s:
            threading.Thread(target=self._run, name="labels", daemon=True).start()

    def stop(self) -> None:
        """Start no further fetch. One under way is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            try:
                pause_s = self.refresh()
            except Exception as error:  # noqa: BLE001  the thread goes on, whatever happens
                log_exception(log, error)
                pause_s = self._interval_s

    def refresh(self) -> float:
        """Fetch the list once, unless the queue is paused; return the seconds until the next time.

        If that fails, the last list stays.
        """
        if self._breaker.pause:
            return min(self._interval_s, _PAUSE_CHECK_INTERVAL_S)
        try:
            labels = self._portal.labels()
        except PortalError as error:
            return self._failed(error)
        self._failure = ""
        ranked = sorted(labels, key=lambda label: -label.contacts)
        fresh = KnownLabels((label.name for label in ranked), version=self._known.version + 1)
        if fresh.names != self._known.names:
            self._known = fresh
        return self._interval_s

    def _failed(self, error: PortalError) -> float:
        """Log a failure once; return the seconds until the next fetch."""
        if error.status != self._failure:
            log.info("the portal's labels are not fetched: %s", error.status)
        self._failure = error.status
        if isinstance(error, MethodNotAllowed):
            return max(self._interval_s, _NOT_ALLOWED_INTERVAL_S)
        if isinstance(error, SlowDown):
            return max(self._interval_s, error.retry_after or 0)
        return min(self._interval_s, _RETRY_INTERVAL_S)
