"""Counts what happens to codes, in the metrics and among the visitors' steps."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from webapp.delivery.funnel import Step

if TYPE_CHECKING:
    from webapp.delivery.funnel import Funnel
    from webapp.observability.metrics import Metrics


class CodeEvent(enum.StrEnum):
    """What happens to a code."""

    SENT = "sent"
    FAILED = "failed"  # it could not be sent
    WRONG = "wrong"  # another one was typed
    VERIFIED = "verified"


class CodeCounts:
    """The counters of codes."""

    def __init__(self, funnel: Funnel, metrics: Metrics | None = None) -> None:
        """Count visitors' steps in this funnel, and everything in the metrics, if there are any."""
        self._funnel = funnel
        self._metrics = metrics

    def count(self, form: str, event: CodeEvent) -> None:
        """Count an event of the form of this slug."""
        if self._metrics:
            self._metrics.count_code(form, event)
        if event is CodeEvent.VERIFIED:
            self.count_step(form, Step.VERIFIED)

    def count_step(self, form: str, step: Step) -> None:
        """Count a visitor's step in the form of this slug."""
        self._funnel.count(form, step)

    def count_limit(self, setting: str) -> None:
        """Count that a limit of codes, named by its setting, is used up for somebody."""
        if self._metrics:
            self._metrics.count_refusal(setting)
