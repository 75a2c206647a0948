"""What the log says of an exception: where it happened, and nothing of what anybody typed."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from webapp.store import StoreError

if TYPE_CHECKING:
    from logging import Logger


def report(log: Logger, error: Exception) -> None:
    """Log an exception by its class and its frames; its text may quote personal data."""
    if isinstance(error, StoreError):
        log.error("the store does not answer, %s", error)
        return
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__name__, frames)
