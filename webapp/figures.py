"""The figures for Prometheus: what is counted here, and how it is told.

prometheus-client decides at its import whether a process counts for itself or beside others, in
files of PROMETHEUS_MULTIPROC_DIR. Therefore nobody imports this module before `create_app` does: by
then `amoot-form serve` has named that folder. Other servers have none, and each process of theirs
tells its own figures.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMESPACE: Final = "amoot_form"
_OUTCOMES: Final = ("delivered", "rejected", "queued", "held", "unstored", "invalid")
_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# Not counted but asked of the outbox, for each scrape.
_QUEUE: Final = {
    "queue_depth": "Contacts that wait to be sent, or are being sent.",
    "queue_oldest_seconds": "For how long the oldest of them has waited.",
    "queue_paused": "1 while nothing is sent; the label says why, by the portal's status or ours.",
    "needs_hand": "Contacts that were held or rejected, and wait for an operator.",
}

# A second series for each counter, of no use.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Figures:
    """What one process counts. No label ever says anything about a person."""

    content_type: Final = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, forms: Iterable[str], *, deadline: float) -> None:
        """Begin to count.

        Args:
            forms: The slugs of the forms.
            deadline: The seconds that one call to the portal may last.
        """
        self._registry = CollectorRegistry()
        submissions = Counter(
            "submissions",
            "Submissions, each counted once, by what became of them at first.",
            ("form", "outcome"),
            namespace=_NAMESPACE,
            registry=self._registry,
        )
        # All of them from the start: a rate can only be told of what has been zero.
        self._submissions = {
            (form, outcome): submissions.labels(form, outcome)
            for form in forms
            for outcome in _OUTCOMES
        }
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
        Gauge(
            "build_info",
            "The program's version.",
            ("version",),
            namespace=_NAMESPACE,
            registry=self._registry,
            multiprocess_mode="livemax",
        ).labels(_version()).set(1)

    def submitted(self, form: str, outcome: str) -> None:
        """Count a submission of a form. What operators correct is none: it has no form's slug."""
        if counter := self._submissions.get((form, outcome)):
            counter.inc()

    def called(self, method: str, status: str, seconds: float) -> None:
        """Count a call to the portal."""
        self._calls.labels(method, status).inc()
        self._seconds.labels(method).observe(seconds)

    def refused(self, limit: str) -> None:
        """Count what a limit did not let through."""
        self._limits.labels(limit).inc()

    def text(self, queue: Mapping[str, float], *, reason: str = "") -> bytes:
        """Return what Prometheus reads, of all processes that count together.

        Args:
            queue: What is known of the queue, by the names above; nothing if the store is down.
            reason: Why it is paused.
        """
        everything = CollectorRegistry()
        everything.register(_all_processes() or self._registry)
        everything.register(_Queue(queue, reason))
        return generate_latest(everything)


class _Queue:
    """The figures that were asked of the outbox."""

    def __init__(self, values: Mapping[str, float], reason: str) -> None:
        self._values = values
        self._reason = reason

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for name, value in self._values.items():
            labels = {"reason": self._reason} if name == "queue_paused" and self._reason else {}
            family = GaugeMetricFamily(f"{_NAMESPACE}_{name}", _QUEUE[name], labels=list(labels))
            family.add_metric(list(labels.values()), value)
            yield family


def _all_processes() -> MultiProcessCollector | None:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return None
    return MultiProcessCollector(None)  # type: ignore[no-untyped-call]


def _version() -> str:
    try:
        return version("amoot-contact-form")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "unknown"
