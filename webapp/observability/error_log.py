"""Logs exceptions without their text, which may quote personal data."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


def log_exception(log: Logger, error: Exception) -> None:
    """Log the class and the traceback of an exception.

    If its class has `has_safe_text = True`, log its class and its text instead. One with
    `is_logged = True` was logged when it was raised.
    """
    if getattr(error, "is_logged", False):
        return
    if getattr(error, "has_safe_text", False):
        log.error("%s: %s", type(error).__name__, error)
        return
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__name__, frames)
