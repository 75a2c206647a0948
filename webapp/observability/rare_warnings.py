"""Warnings that a flood of requests may cause: each at most once a minute."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from logging import Logger

_INTERVAL_S: Final = 60.0


class RareWarnings:
    """Logs each warning at most once a minute, so that a flood does not fill the log."""

    def __init__(self, log: Logger) -> None:
        """Write to this logger."""
        self._log = log
        self._logged_at: dict[tuple[object, ...], float] = {}

    def warning(self, text: str, *values: object) -> None:
        """Log a warning, unless the same one was logged within the last minute.

        Each different one is remembered: its values must not be a sender's choice.
        """
        now = time.monotonic()
        if now - self._logged_at.get((text, *values), -_INTERVAL_S) >= _INTERVAL_S:
            self._logged_at[text, *values] = now
            self._log.warning(text, *values)
