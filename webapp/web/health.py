"""Health checks and metrics; and the count of each request: its route, status and duration."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.exceptions import SecurityError

from webapp.database import DatabaseError
from webapp.observability.metrics import Metrics
from webapp.outbox import Outbox
from webapp.services import read_gauges
from webapp.web import security
from webapp.web.rendering import require_intranet, services

_CACHE_TTL_S: Final = 1.0
_LOCK_TIMEOUT_S: Final = 1.0  # wait for another request's check; then the database counts as down


class Readiness:
    """Whether a submission could be stored; checked at most once a second."""

    def __init__(self, outbox: Outbox) -> None:
        """Check this outbox."""
        self._outbox = outbox
        self._lock = threading.Lock()
        self._checked_at = float("-inf")
        self._is_ready = False

    def __bool__(self) -> bool:
        """Whether it could."""
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT_S):
            return False
        try:
            if time.monotonic() - self._checked_at > _CACHE_TTL_S:
                self._is_ready = self._check()
                self._checked_at = time.monotonic()
            return self._is_ready
        finally:
            self._lock.release()

    def _check(self) -> bool:
        try:
            self._outbox.check_writable()
        except DatabaseError:
            return False
        return True


_ROUTE: Final = "amoot_form.route"
_NO_ROUTE: Final = "-"  # of a path that a robot has made up


def register(app: Flask, metrics: Metrics) -> None:
    """Handle these paths before the router, which accepts only the host of PUBLIC_URL.

    Load balancers and Prometheus request each machine by its IP address. Before anything else that
    looks at requests: they are counted by their routes.
    """
    app.before_request(_answer)
    app.wsgi_app = CountingMiddleware(app.wsgi_app, metrics)  # type: ignore[method-assign]


def _answer() -> Response | None:
    view, rule = VIEWS.get(request.path), request.url_rule
    view = view if request.method in ("GET", "HEAD") else None
    request.environ[_ROUTE] = rule.rule if rule else request.path if view else _NO_ROUTE
    return view() if view else None


def _healthz() -> Response:
    """Answer, without using any other service."""
    return _text("alive")


def _readyz() -> Response:
    """Return whether a submission could be stored."""
    if services().readiness:
        return _text("ready")
    return _text("unavailable", HTTPStatus.SERVICE_UNAVAILABLE)


def _text(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(f"{text}\n", status, mimetype="text/plain")


def _metrics() -> Response:
    """Expose the metrics; without those of the queue while the database is down."""
    own = services()
    if not security.has_token(own.settings.metrics_token, own.intranet.warnings):
        _require_known_host()
        require_intranet()
    queue = read_gauges(own.delivery)
    text = own.metrics.exposition(
        queue.values, reason=queue.reason, codes_reason=queue.codes_reason
    )
    return Response(text, content_type=own.metrics.content_type)


def _require_known_host() -> None:
    """Refuse an untrusted host name; see `security.is_own_host`.

    Raises:
        SecurityError: if the router would refuse the host, and it is no IP address.
    """
    refusal = request.routing_exception
    is_own_host = security.is_own_host(request.environ.get("HTTP_HOST", ""))
    if isinstance(refusal, SecurityError) and not is_own_host:
        raise refusal


VIEWS: Final[dict[str, Callable[[], Response]]] = {
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/metrics": _metrics,
}


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
            route = environ.get(_ROUTE, _NO_ROUTE)
            # Nor a method that a robot has made up.
            method = _NO_ROUTE if route == _NO_ROUTE else environ["REQUEST_METHOD"]
            seconds = time.monotonic() - began
            self._metrics.request_ended(method, route, answered[0], seconds)
