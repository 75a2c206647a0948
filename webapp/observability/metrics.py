"""The metrics for Prometheus, and the WSGI middleware that counts requests and numbers them.

Under `amoot-form serve`, the processes share them in the files of PROMETHEUS_MULTIPROC_DIR. Under
other servers, each process exposes its own metrics.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from webapp.observability import request_id
from webapp.settings import VERSION

log = logging.getLogger(__name__)

_NAMESPACE: Final = "amoot_form"
_OUTCOMES: Final = ("delivered", "rejected", "queued", "held", "unstored", "full", "invalid")
_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# Gauges that are read from the outbox at each scrape.
_QUEUE_GAUGES: Final = {
    "queue_depth": "Contacts that wait to be sent, or are being sent.",
    "queue_oldest_seconds": "For how long the oldest of them has waited.",
    "queue_paused": "1 while nothing is sent; the label says why, by the portal's status or ours.",
    "queue_probe_seconds": "Seconds until the portal is asked again; 0 while nothing is paused.",
    "codes_failing": "1 while codes by SMS are not sent; the label says why.",
    "needs_hand": "Contacts that were held or rejected, and wait for an operator.",
    "unreadable": "Rows that no key in SECRET_KEY decrypts, which are not sent.",
}

_STATE_GAUGES: Final = {
    "threads": "Threads that answer requests: busy, and all that there may be.",
    "portal_permits": "Submissions of people: used, those being sent; waiting; and all at most.",
    "database_connections": "Connections to the database: used.",
}

# What prometheus-client raises if the folder was deleted, or a file is incomplete.
_FILE_ERRORS: Final = (OSError, ValueError, struct.error)

# They double the number of series, and nobody uses them.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one process. No label contains personal data."""

    content_type: Final = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, forms: Iterable[str], *, deadline: float) -> None:
        """Create the metrics, without series: a server may fork after this.

        Args:
            forms: The slugs of the forms.
            deadline: The maximum duration of one call to the portal, in seconds.
        """
        # prometheus-client looks for PROMETHEUS_MULTIPROC_DIR at its import, which is too early.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._forms = frozenset(forms)
        self._is_failing = False
        self._is_initialised = False
        shared: dict[str, Any] = {"namespace": _NAMESPACE, "registry": self._registry}
        self._submissions = Counter(
            "submissions",
            "Submissions, each counted once, by their first outcome.",
            ("form", "outcome"),
            **shared,
        )
        self._calls = Counter(
            "portal_calls",
            "Calls to the portal.",
            ("method", "status"),
            **shared,
        )
        self._seconds = Histogram(
            "portal_call_seconds",
            "How long calls to the portal took.",
            ("method",),
            **shared,
            buckets=[*(second for second in _SECONDS if second < deadline), deadline],
        )
        self._limits = Counter(
            "limits_hit",
            "Submissions and logins that were refused, by the limit that was used up.",
            ("limit",),
            **shared,
        )
        self._codes = Counter(
            "codes",
            "Codes by SMS: sent, failed to be sent, verified, and wrong ones that were typed.",
            ("form", "event"),
            **shared,
        )
        self._requests = Histogram(
            "request_seconds",
            "How long requests took, by the route and the class of their status.",
            ("method", "route", "status"),
            **shared,
            buckets=_SECONDS,
        )
        self._resent = Counter(
            "resent_without_lookup",
            "Contacts that were sent a second time because the portal could not be searched.",
            ("form",),
            **shared,
        )
        # What each process has of something, by its state.
        self._threads, self._permits, self._connections = (
            Gauge(name, text, ("state",), **shared, multiprocess_mode="livesum")
            for name, text in _STATE_GAUGES.items()
        )
        self._fallback = Gauge(
            "limits_fallback",
            "1 while rate limits are counted in memory, because Redis does not answer.",
            ("setting",),
            **shared,
            multiprocess_mode="livemax",
        )
        self._credit = Gauge(
            "account_credit",
            "The credit of the portal's account, as it was fetched last.",
            ("unit",),
            **shared,
            multiprocess_mode="mostrecent",
        )
        self._build = Gauge(
            "build_info",
            "The program's version.",
            ("version",),
            **shared,
            multiprocess_mode="livemax",
        )

    def initialise(self) -> None:
        """Expose all series of this process at zero: without it, their first rate is unknown."""
        if self._is_initialised:
            return
        self._is_initialised = True
        with self._file_errors_logged():
            self._build.labels(VERSION).set(1)
            for form in self._forms:
                self._resent.labels(form)
                for outcome in _OUTCOMES:
                    self._submissions.labels(form, outcome)

    def count_submission(self, form: str, outcome: str) -> None:
        """Count a submission of a form; corrections by operators have no form, and do not count."""
        if form in self._forms:
            with self._file_errors_logged():
                self._submissions.labels(form, outcome).inc()

    def count_code(self, form: str, event: str) -> None:
        """Count what happened to a code of a form: sent, failed, verified or wrong."""
        if form in self._forms:
            with self._file_errors_logged():
                self._codes.labels(form, event).inc()

    def count_call(self, method: str, status: str, seconds: float) -> None:
        """Count a call to the portal."""
        with self._file_errors_logged():
            self._calls.labels(method, status).inc()
            self._seconds.labels(method).observe(seconds)

    def count_refusal(self, limit: str) -> None:
        """Count a request that a rate limit refused."""
        with self._file_errors_logged():
            self._limits.labels(limit).inc()

    def count_resent(self, form: str) -> None:
        """Count a contact that is sent again without a lookup."""
        if form in self._forms:
            with self._file_errors_logged():
                self._resent.labels(form).inc()

    @cached_property
    def _busy(self) -> Gauge:
        return self._threads.labels("busy")

    def request_began(self) -> None:
        """Count a thread as busy."""
        with self._file_errors_logged():
            self._busy.inc()

    def request_ended(self, method: str, route: str, status: str, seconds: float) -> None:
        """Count a request, and its thread as free.

        Args:
            method: Its method, of those that the route has.
            route: The rule of its route, not its path.
            status: The first digit of the HTTP status.
            seconds: How long it took.
        """
        with self._file_errors_logged():
            self._busy.dec()
            self._requests.labels(method, route, f"{status}xx").observe(seconds)

    def set_permits(self, *, used: int, waiting: int) -> None:
        """Set how many submissions of people are being sent, and how many wait for that."""
        with self._file_errors_logged():
            self._permits.labels("used").set(used)
            self._permits.labels("waiting").set(waiting)

    def set_limits(self, *, threads: int, permits: int) -> None:
        """Set how many threads and permits this process has."""
        with self._file_errors_logged():
            self._threads.labels("all").set(threads)
            self._permits.labels("all").set(permits)

    def set_connections(self, used: int) -> None:
        """Set how many connections to the database are in use."""
        with self._file_errors_logged():
            self._connections.labels("used").set(used)

    def set_fallback(self, *, is_used: bool) -> None:
        """Set whether rate limits are counted in memory because Redis does not answer."""
        with self._file_errors_logged():
            self._fallback.labels("REDIS_URL").set(int(is_used))

    def set_credit(self, credit: float) -> None:
        """Set the account's credit, in rials."""
        with self._file_errors_logged():
            self._credit.labels("rial").set(credit)

    @contextmanager
    def _file_errors_logged(self) -> Iterator[None]:
        """Log an error of the metrics' files, and go on: what is counted matters more."""
        try:
            yield
        except _FILE_ERRORS as error:
            if not self._is_failing:
                log.warning("the metrics are not counted, %s", type(error).__name__)
            self._is_failing = True

    def exposition(
        self, queue: Mapping[str, float], *, reason: str = "", codes_reason: str = ""
    ) -> bytes:
        """Return the metrics of all processes, in Prometheus' text format.

        Args:
            queue: The gauges of the queue by name; empty if the database is down.
            reason: The status for which the queue is paused.
            codes_reason: The status for which no code is sent.
        """
        self.initialise()
        gauges = CollectorRegistry()
        reasons = {"queue_paused": reason, "codes_failing": codes_reason}
        gauges.register(_QueueCollector(queue, reasons))
        return self._counted() + generate_latest(gauges)

    def _counted(self) -> bytes:
        """Return the metrics of all processes; of this one only, if the files are not readable."""
        try:
            return generate_latest(_all_processes() or self._registry)
        except _FILE_ERRORS:
            return generate_latest(self._registry)


class _QueueCollector:
    """Collects the gauges of the queue."""

    def __init__(self, values: Mapping[str, float], reasons: Mapping[str, str]) -> None:
        self._values = values
        self._reasons = reasons

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for name, value in self._values.items():
            reason = self._reasons.get(name)
            labels = {"reason": reason} if reason else {}
            family = GaugeMetricFamily(
                f"{_NAMESPACE}_{name}", _QUEUE_GAUGES[name], labels=list(labels)
            )
            family.add_metric(list(labels.values()), value)
            yield family


def _all_processes() -> CollectorRegistry | None:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return None
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


ROUTE: Final = "amoot_form.route"  # in the environment of a request
NO_ROUTE: Final = "-"  # of a path that a robot has made up


class CountingMiddleware:
    """WSGI middleware that counts the requests of an app, and the threads that answer them."""

    def __init__(self, app: WSGIApplication, metrics: Metrics) -> None:
        """Wrap an app."""
        self._app = app
        self._metrics = metrics

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        began, answered = time.monotonic(), "500"
        self._metrics.request_began()

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401
            nonlocal answered
            answered = status
            return start_response(status, headers, *error)

        try:
            return self._app(environ, start)
        finally:
            route = environ.get(ROUTE, NO_ROUTE)
            # Nor a method that a robot has made up.
            method = NO_ROUTE if route == NO_ROUTE else environ["REQUEST_METHOD"]
            seconds = time.monotonic() - began
            self._metrics.request_ended(method, route, answered[0], seconds)


HEADER: Final = "X-Request-ID"

_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")  # safe in a log line


class RequestIdMiddleware:
    """WSGI middleware that gives each request an id.

    Around the whole app, so that errors, static files and redirects have one as well.
    """

    def __init__(self, app: WSGIApplication, *, trusts_proxy: bool) -> None:
        """Wrap an app; accept the id of a trusted proxy if there is one."""
        self._app = app
        self._trusts_proxy = trusts_proxy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        own = self._given(environ) or secrets.token_hex(8)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401
            return start_response(status, [*headers, (HEADER, own)], *error)

        before = request_id.set(own)
        try:
            return self._app(environ, start)
        finally:
            request_id.reset(before)

    def _given(self, environ: WSGIEnvironment) -> str:
        """Return the id that the proxy sent, if it is valid."""
        given: str = environ.get("HTTP_X_REQUEST_ID", "")
        return given if self._trusts_proxy and _VALID_ID.fullmatch(given) else ""
