"""Request ids: in the response, and in every log record of a request."""

from __future__ import annotations

import logging
import re
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HEADER: Final = "X-Request-ID"

_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")  # safe in a log line
_request_id: ContextVar[str] = ContextVar("request_id", default="-")


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
        request_id = self._given(environ) or secrets.token_hex(8)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401
            return start_response(status, [*headers, (HEADER, request_id)], *error)

        before = _request_id.set(request_id)
        try:
            return self._app(environ, start)
        finally:
            _request_id.reset(before)

    def _given(self, environ: WSGIEnvironment) -> str:
        """Return the id that the proxy sent, if it is valid."""
        given: str = environ.get("HTTP_X_REQUEST_ID", "")
        return given if self._trusts_proxy and _VALID_ID.fullmatch(given) else ""


class RequestIds(logging.Filter):
    """Adds the id of the current request, or "-", to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id; let every record pass."""
        record.request_id = _request_id.get()
        return True
