"""The metrics for Prometheus: what is counted here, and how it is told.

prometheus-client decides at its import whether a process counts for itself or beside others, in
files of PROMETHEUS_MULTIPROC_DIR. Therefore nobody imports this module before `create_app` does: by
then `amoot-form serve` has named that folder. Other servers have none, and each process of theirs
tells its own metrics.
"""

from __future__ import annotations

import logging
import os
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from webapp.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

log = logging.getLogger(__name__)

_NAMESPACE: Final = "amoot_form"
_OUTCOMES: Final = ("delivered", "rejected", "queued", "held", "unstored", "invalid")
_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# Not counted but asked of the outbox, for each scrape.
_QUEUE: Final = {
    "queue_depth": "Contacts that wait to be sent, or are being sent.",
    "queue_oldest_seconds": "For how long the oldest of them has waited.",
    "queue_paused": "1 while nothing is sent; the label says why, by the portal's status or ours.",
    "queue_probe_seconds": "Seconds until the portal is asked again; 0 while nothing is paused.",
    "needs_hand": "Contacts that were held or rejected, and wait for an operator.",
}

# What a folder that was cleaned, or a file that is only half made, lets prometheus-client raise.
_FAULTS: Final = (OSError, ValueError, struct.error)

# A second series for each counter, of no use.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """What one process counts. No label ever says anything about a person."""

    content_type: Final = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, forms: Iterable[str], *, deadline: float) -> None:
        """Prepare to count. Nothing is kept before the first use: a server may fork after this.

        Args:
            forms: The slugs of the forms.
            deadline: The seconds that one call to the portal may last.
        """
        self._registry = CollectorRegistry()
        self._forms = frozenset(forms)
        self._is_failing = False
        self._has_begun = False
        self._submissions = Counter(
            "submissions",
            "Submissions, each counted once, by what became of them at first.",
            ("form", "outcome"),
            namespace=_NAMESPACE,
            registry=self._registry,
        )
        self._calls = Counter(
            "portal_calls",
            "Calls to the portal.",
            ("method", "status"),
            namespace=_NAMESPACE,
            registry=self._registry,
        )
        self._seconds = Histogram(
            "portal_call_seconds",
            "How long calls to the portal took.",
            ("method",),
            namespace=_NAMESPACE,
            registry=self._registry,
            buckets=[*(second for second in _SECONDS if second < deadline), deadline],
        )
        self._limits = Counter(
            "limits_hit",
            "Submissions and logins that were refused, by the limit that was used up.",
            ("limit",),
            namespace=_NAMESPACE,
            registry=self._registry,
        )
        self._build = Gauge(
            "build_info",
            "The program's version.",
            ("version",),
            namespace=_NAMESPACE,
            registry=self._registry,
            multiprocess_mode="livemax",
        )

    def initialise(self) -> None:
        """Show all there is in this process: a rate can only be told of what has been zero."""
        if self._has_begun:
            return
        self._has_begun = True
        with self._harmless():
            self._build.labels(VERSION).set(1)
            for form in self._forms:
                for outcome in _OUTCOMES:
                    self._submissions.labels(form, outcome)

    def count_submission(self, form: str, outcome: str) -> None:
        """Count a submission of a form. What operators correct is none: it has no form's slug."""
        if form in self._forms:
            with self._harmless():
                self._submissions.labels(form, outcome).inc()

    def count_call(self, method: str, status: str, seconds: float) -> None:
        """Count a call to the portal."""
        with self._harmless():
            self._calls.labels(method, status).inc()
            self._seconds.labels(method).observe(seconds)

    def count_refusal(self, limit: str) -> None:
        """Count what a limit did not let through."""
        with self._harmless():
            self._limits.labels(limit).inc()

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """Let what is counted go on where the metrics' files are gone or cannot be made."""
        try:
            yield
        except _FAULTS as error:
            if not self._is_failing:
                log.warning("the metrics are not counted, %s", type(error).__name__)
            self._is_failing = True

    def text(self, queue: Mapping[str, float], *, reason: str = "") -> bytes:
        """Return what Prometheus reads, of all processes that count together.

        Args:
            queue: What is known of the queue, by the names above; nothing if the store is down.
            reason: Why it is paused.
        """
        self.initialise()
        asked = CollectorRegistry()
        asked.register(_Queue(queue, reason))
        return self._counted() + generate_latest(asked)

    def _counted(self) -> bytes:
        """Return what all processes count or, if that cannot be read, what this one does."""
        try:
            return generate_latest(_all_processes() or self._registry)
        except _FAULTS:
            return generate_latest(self._registry)


class _Queue:
    """The metrics that were asked of the outbox."""

    def __init__(self, values: Mapping[str, float], reason: str) -> None:
        self._values = values
        self._reason = reason

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for name, value in self._values.items():
            labels = {"reason": self._reason} if name == "queue_paused" and self._reason else {}
            family = GaugeMetricFamily(f"{_NAMESPACE}_{name}", _QUEUE[name], labels=list(labels))
            family.add_metric(list(labels.values()), value)
            yield family


def _all_processes() -> CollectorRegistry | None:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return None
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
