"""The permits to call the portal: so many at a time, and the next in line for the rest."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_INTERVAL_S: Final = 0.1


class Permits:
    """A semaphore that hands its permits on in the order of arrival, and bounds who waits.

    `threading.Semaphore` would let a newcomer take a permit before those who wait.
    """

    def __init__(self, permits: int, *, max_waiting: int) -> None:
        """Take how many permits there are, and how many callers may wait for one at a time."""
        self._free = permits
        self._max_waiting = max_waiting
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def acquire(self, *, timeout: float, may_wait: Callable[[], bool]) -> bool:
        """Take a permit, waiting for one if there is none; return whether one was taken.

        Args:
            timeout: Seconds to wait at most.
            may_wait: Asked again and again while waiting; `False` ends it at once.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if len(self._waiting) >= self._max_waiting:
                return False
            turn = threading.Event()
            self._waiting.append(turn)
        expires = time.monotonic() + timeout
        while may_wait() and (left := expires - time.monotonic()) > 0:
            if turn.wait(min(left, POLL_INTERVAL_S)):
                return True
        return not self._leave(turn)

    def _leave(self, turn: threading.Event) -> bool:
        """Leave the line; return `False` if the permit came at the last moment."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            return True

    def release(self) -> None:
        """Give a permit back: to the one who has waited longest, if anybody waits."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
