"""The pages: one module for each, named as its templates; the error page, and health checks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    SecurityError,
    ServiceUnavailable,
)
from werkzeug.sansio.response import Response as AnyResponse

from webapp import messages
from webapp.database import DatabaseError
from webapp.forms.definitions import FormDefinition
from webapp.observability import RareWarnings, log_exception
from webapp.outbox import Outbox
from webapp.services import read_gauges
from webapp.settings import Settings
from webapp.web import (
    code,
    contact,
    correction,
    help,
    imports,
    install,
    outbox,
    page,
    security,
    statistics,
)
from webapp.web.rendering import recent, require_intranet, services
from webapp.web.security import embedded_form

log = logging.getLogger(__name__)

_BLUEPRINTS: Final = (
    page.blueprint,
    page.embed_blueprint,
    code.blueprint,
    contact.blueprint,
    recent.blueprint,
    install.blueprint,
    install.link_blueprint,
    outbox.blueprint,
    correction.blueprint,
    imports.blueprint,
    statistics.blueprint,
    help.blueprint,
)


def register(app: Flask, settings: Settings, definitions: Mapping[str, FormDefinition]) -> None:
    """Register the pages of an app with these forms; those of the simulator only in demo mode."""
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.demo:
        app.register_blueprint(help.demo_blueprint)
    warnings = RareWarnings(log)

    @app.errorhandler(Exception)
    def _(error: Exception) -> AnyResponse:
        if isinstance(error, SecurityError):
            warnings.warning(_OTHER_HOST, request.environ.get("HTTP_HOST"), chosen_by_sender=True)
        return _error_page(error, embedded_form(definitions, request.path))


_OTHER_HOST: Final = (
    "refused a request for the host %.100r: PUBLIC_URL names another; does the proxy pass the host "
    "on?"
)
_FIRST_ERROR: Final = 400  # a lower one is a redirect of the router
_NOT_RETRYABLE: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


class DatabaseDown(ServiceUnavailable):
    """The database is unreachable, full or damaged."""

    text = messages.DATABASE_DOWN


def _error_page(error: Exception, frame: FormDefinition | None) -> AnyResponse:
    """Return the error page: in Persian, what to do next, and no internal details."""
    if not isinstance(error, HTTPException):
        log_exception(log, error)
        error = DatabaseDown() if isinstance(error, DatabaseError) else InternalServerError()
    response = error.get_response(request.environ)
    if response.status_code >= _FIRST_ERROR:
        general = messages.ERRORS.get(response.status_code, messages.OTHER_ERROR)
        text = getattr(error, "text", general)
        around = {"embed": frame, "definition": frame} if frame else {}
        retry = _retry(response)
        response.data = render_template(
            "error.html", error=text, status=response.status_code, retry=retry, **around
        )
        response.content_type = "text/html; charset=utf-8"
    return response


def _retry(response: AnyResponse) -> str | None:
    """Return the path and query to open again, if that may help."""
    opens = request.url_rule and "GET" in (request.url_rule.methods or ())
    return (
        request.full_path.rstrip("?")
        if opens and response.status_code not in _NOT_RETRYABLE
        else None
    )


_READINESS_TTL_S: Final = 1.0
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
        """Whether a submission could be stored."""
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT_S):
            return False
        try:
            if time.monotonic() - self._checked_at > _READINESS_TTL_S:
                self._is_ready = False
                with suppress(DatabaseError):
                    self._outbox.check_writable()
                    self._is_ready = True
                self._checked_at = time.monotonic()
            return self._is_ready
        finally:
            self._lock.release()


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
