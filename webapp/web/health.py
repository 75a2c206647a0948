"""Health checks, and the page of the metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from flask import Response, request
from werkzeug.exceptions import SecurityError

from webapp.database import DatabaseError
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
