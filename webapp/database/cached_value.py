"""A value of the database that is read again every few seconds, however many ask for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from webapp.database import DatabaseError

Value = TypeVar("Value")


class CachedValue(Generic[Value]):
    """A cached value with a time to live.

    One thread at a time reads it and the others get the last one, so that a database which hangs
    delays one request. While the database fails, the last value stays.
    """

    def __init__(self, read: Callable[[], Value], *, first: Value, ttl_s: float) -> None:
        """Set how the value is read.

        Args:
            read: May raise a DatabaseError.
            first: The value until it is read for the first time.
            ttl_s: Seconds until it is read again.
        """
        self._read = read
        self._value = first
        self._ttl_s = ttl_s
        self._set_at = float("-inf")
        self._lock = threading.Lock()

    def get(self, *, is_fresh: bool = False) -> Value:
        """Return the value. Never raises a DatabaseError.

        Args:
            is_fresh: Whether to read it again, however new the last one is.
        """
        is_old = is_fresh or time.monotonic() - self._set_at > self._ttl_s
        if is_old and self._lock.acquire(blocking=False):
            try:
                self.set(self._read())
            except DatabaseError:
                self.set(self._value)
            finally:
                self._lock.release()
        return self._value

    @property
    def last(self) -> Value:
        """The value as it was read last."""
        return self._value

    def set(self, value: Value) -> None:
        """Set what is known to be the value now."""
        self._value, self._set_at = value, time.monotonic()
