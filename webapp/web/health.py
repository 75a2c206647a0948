"""Health checks and metrics; and the count of each request: its route, status and duration."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import SecurityError

from webapp.database import DatabaseError
from webapp.outbox import Outbox
from webapp.services import read_gauges
from webapp.web.rendering import require_intranet, services
from webapp.web.security import access

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


def register(app: Flask) -> None:
    """Handle these paths before the router, which accepts only the host of PUBLIC_URL.

    Load balancers and Prometheus request each machine by its IP address.
    """
    app.before_request(_answer)


def _answer() -> Response | None:
    return VIEWS[request.path]() if _is_answered() else None


def _is_answered() -> bool:
    return request.path in VIEWS and request.method in ("GET", "HEAD")


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
    if not access.has_token(own.settings.metrics_token, own.access_warnings):
        _require_known_host()
        require_intranet()
    queue = read_gauges(own.delivery)
    text = own.metrics.exposition(
        queue.values, reason=queue.reason, codes_reason=queue.codes_reason
    )
    return Response(text, content_type=own.metrics.content_type)


def _require_known_host() -> None:
    """Refuse an untrusted host name; see `access.is_own_host`.

    Raises:
        SecurityError: if the router would refuse the host, and it is no IP address.
    """
    refusal = request.routing_exception
    is_own_host = access.is_own_host(request.environ.get("HTTP_HOST", ""))
    if isinstance(refusal, SecurityError) and not is_own_host:
        raise refusal


VIEWS: Final[dict[str, Callable[[], Response]]] = {
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/metrics": _metrics,
}


# In the environment: `g` is shared with what is rendered within the request.
_BEGAN: Final = "amoot_form.began"
_STATUS: Final = "amoot_form.status"
_NO_ROUTE: Final = "-"


def register_counts(app: Flask) -> None:
    """Count the requests of an app. Before anything else that looks at requests."""
    app.before_request(_begin)
    app.after_request(_keep_status)
    app.teardown_request(_end)


def _begin() -> None:
    request.environ[_BEGAN] = time.monotonic()
    services().metrics.request_began()


def _keep_status(response: Response) -> Response:
    request.environ[_STATUS] = response.status_code
    return response


def _end(_: BaseException | None) -> None:
    began = request.environ.pop(_BEGAN, None)
    if began is None:  # rendered within another request
        return
    rule = request.url_rule
    route = rule.rule if rule else request.path if _is_answered() else _NO_ROUTE
    # Neither a path nor a method that a robot has made up.
    method = _NO_ROUTE if route == _NO_ROUTE else request.method
    status = request.environ.pop(_STATUS, HTTPStatus.INTERNAL_SERVER_ERROR)
    services().metrics.request_ended(method, route, status, time.monotonic() - began)
