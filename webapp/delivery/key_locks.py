"""Locks by key, for what the threads of one process do to one submission."""

from __future__ import annotations

import threading
from typing import Final

_LOCKS: Final = 256


class KeyLocks:
    """A fixed number of locks: one key has always the same one, and rarely shares it with another.

    A lock made for each key would have to be found or made in one step, and removed after use;
    `WeakValueDictionary.setdefault` gives two threads two locks. Hold only one at a time.
    """

    def __init__(self) -> None:
        """Make the locks."""
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def __getitem__(self, key: str) -> threading.Lock:
        """Return the lock of a key."""
        return self._locks[hash(key) % _LOCKS]
