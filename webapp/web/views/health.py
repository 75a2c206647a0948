"""What machines ask: whether this process answers, whether it can store, and its metrics."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response, request
from werkzeug.exceptions import SecurityError

from webapp.delivery.database import DatabaseError
from webapp.delivery.submission import NEEDS_ATTENTION, WAITING
from webapp.web import access
from webapp.web.views import require_intranet, require_own_host, services

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from webapp.delivery.database import Database

_CACHE_TTL_S: Final = 1.0  # seconds that an answer of the store is good for
_LOCK_TIMEOUT_S: Final = (
    1.0  # seconds that one waits for another's question; longer is as good as down
)
_COUNT_CAP: Final = 1_000_000  # no figure counts further


class Readiness:
    """Whether the outbox can be written, asked at most once a second however many want to know."""

    def __init__(self, database: Database) -> None:
        """Ask this store."""
        self._database = database
        self._asking = threading.Lock()
        self._asked_at = float("-inf")
        self._is_ready = False

    def __bool__(self) -> bool:
        """Whether it can."""
        if not self._asking.acquire(timeout=_LOCK_TIMEOUT_S):
            return False
        try:
            if time.monotonic() - self._asked_at > _CACHE_TTL_S:
                self._is_ready = self._ask()
                self._asked_at = time.monotonic()
            return self._is_ready
        finally:
            self._asking.release()

    def _ask(self) -> bool:
        try:
            self._database.check_writable()
        except DatabaseError:
            return False
        return True


def register(app: Flask) -> None:
    """Answer in place of the router, which knows PUBLIC_URL's host alone.

    Balancers, and Prometheus, which wants each machine by itself, call by address.
    """
    app.before_request(_answer)


def _answer() -> Response | None:
    view = _VIEWS.get(request.path)
    return view() if view and request.method in ("GET", "HEAD") else None


def _healthz() -> Response:
    """Say that the process answers; nothing else is touched."""
    return _word("alive")


def _readyz() -> Response:
    """Say whether a submission could be stored."""
    if services().readiness:
        return _word("ready")
    return _word("unavailable", HTTPStatus.SERVICE_UNAVAILABLE)


def _word(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(f"{text}\n", status, mimetype="text/plain")


def _metrics() -> Response:
    """Tell operators' Prometheus the metrics; without the queue's, while the store is down."""
    _require_known_host()
    require_intranet()
    require_own_host()
    metrics = services().metrics
    try:
        queue, reason = _queue()
    except DatabaseError:
        queue, reason = {}, ""
    text = metrics.text(queue, reason=reason)
    return Response(text, content_type=metrics.content_type)


def _require_known_host() -> None:
    """Let nobody read metrics under a name that is not ours: see `access.is_certain`.

    Raises:
        SecurityError: if the router would refuse the host, and it is no address.
    """
    refusal = request.routing_exception
    is_certain = access.is_certain(request.environ.get("HTTP_HOST", ""))
    if isinstance(refusal, SecurityError) and not is_certain:
        raise refusal


def _queue() -> tuple[dict[str, float], str]:
    """Return the queue's metrics, and why it is paused. A DatabaseError is passed on."""
    outbox, pause = services().delivery.outbox, services().delivery.breaker.read_pause()
    oldest = outbox.review.oldest()
    now = datetime.now(UTC).replace(tzinfo=None)
    queue: dict[str, float] = {
        "queue_depth": outbox.review.count(WAITING, most=_COUNT_CAP),
        "queue_oldest_seconds": max(0.0, (now - oldest).total_seconds()) if oldest else 0,
        "queue_paused": int(pause is not None),
        "queue_probe_seconds": max(0.0, (pause.probe_at - now).total_seconds()) if pause else 0,
        "needs_hand": outbox.review.count(NEEDS_ATTENTION, most=_COUNT_CAP),
    }
    return queue, pause.status if pause else ""


_VIEWS: Final[dict[str, Callable[[], Response]]] = {
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/metrics": _metrics,
}
