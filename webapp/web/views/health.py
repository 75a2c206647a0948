"""Health checks and metrics."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response, request
from werkzeug.exceptions import SecurityError

from webapp.delivery.database import DatabaseError
from webapp.delivery.submission import NEEDS_ATTENTION, WAITING
from webapp.web import access
from webapp.web.views import require_intranet, services

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from webapp.delivery.outbox import Outbox

_CACHE_TTL_S: Final = 1.0
_LOCK_TIMEOUT_S: Final = 1.0  # wait for another request's check; then the database counts as down
_COUNT_CAP: Final = 1_000_000  # for the gauges of the queue


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
    view = _VIEWS.get(request.path)
    return view() if view and request.method in ("GET", "HEAD") else None


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
    try:
        queue, reason = _queue()
        codes_reason = own.delivery.codes.trouble.read()
        queue["codes_failing"] = int(bool(codes_reason))
    except DatabaseError:
        queue, reason, codes_reason = {}, "", ""
    text = own.metrics.exposition(queue, reason=reason, codes_reason=codes_reason)
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


def _queue() -> tuple[dict[str, float], str]:
    """Return the queue's metrics, and the status of a pause.

    Raises:
        DatabaseError: if the database fails.
    """
    outbox, pause = services().delivery.outbox, services().delivery.breaker.read_pause()
    queue: dict[str, float] = {
        "queue_depth": outbox.review.count(WAITING, most=_COUNT_CAP),
        "queue_oldest_seconds": outbox.review.oldest_age().total_seconds(),
        "queue_paused": int(pause is not None),
        "queue_probe_seconds": pause.until_probe.total_seconds() if pause else 0,
        "needs_hand": outbox.review.count(NEEDS_ATTENTION, most=_COUNT_CAP),
    }
    return queue, pause.status if pause else ""


_VIEWS: Final[dict[str, Callable[[], Response]]] = {
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/metrics": _metrics,
}
