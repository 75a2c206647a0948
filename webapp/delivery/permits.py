"""Permits to call the portal: a fair semaphore with a bounded queue."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.observability.metrics import Metrics

POLL_INTERVAL_S: Final = 0.1


class Permits:
    """A semaphore that serves waiting threads in the order of arrival, and bounds their number.

    `threading.Semaphore` is not fair: a new thread may acquire it before those that wait.
    """

    def __init__(self, permits: int, *, max_waiting: int, metrics: Metrics | None = None) -> None:
        """Set the number of permits, of threads that may wait for one, and who counts both."""
        self._all = self._free = permits
        self._metrics = metrics
        self._max_waiting = max_waiting
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def acquire(self, *, timeout: float, may_wait: Callable[[], bool]) -> bool:
        """Acquire a permit, waiting for one if necessary; return whether it was acquired.

        Args:
            timeout: The maximum wait, in seconds.
            may_wait: Polled while waiting; `False` ends the wait.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                self._count()
                return True
            if len(self._waiting) >= self._max_waiting:
                return False
            turn = threading.Event()
            self._waiting.append(turn)
            self._count()
        expires = time.monotonic() + timeout
        while may_wait() and (left := expires - time.monotonic()) > 0:
            if turn.wait(min(left, POLL_INTERVAL_S)):
                return True
        return not self._cancel(turn)

    def _cancel(self, turn: threading.Event) -> bool:
        """Leave the queue; return `False` if the permit was handed over just before."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            self._count()
            return True

    def release(self) -> None:
        """Release a permit: the thread that has waited longest gets it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
            self._count()

    def _count(self) -> None:
        if self._metrics:
            self._metrics.set_permits(used=self._all - self._free, waiting=len(self._waiting))
