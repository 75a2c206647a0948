"""What the log says of an exception: where it happened, and nothing of what anybody typed."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


def log_exception(log: Logger, error: Exception) -> None:
    """Log an exception by its class and its frames; its text may quote personal data.

    One whose class says `has_safe_text = True` is logged by its class and its text instead.
    """
    if getattr(error, "has_safe_text", False):
        log.error("%s: %s", type(error).__name__, error)
        return
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__name__, frames)
