"""Request ids: one name for a request, on its answer and on every line that is logged for it."""

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

_FIT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")  # for a log: no blanks, no lines
_request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIdMiddleware:
    """A WSGI application whose requests have names.

    Around the whole app, so that no error, no static file and no redirect is left out.
    """

    def __init__(self, app: WSGIApplication, *, trusts_proxy: bool) -> None:
        """Take the app, and whether what it receives comes from a proxy of ours."""
        self._app = app
        self._trusts_proxy = trusts_proxy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        name = self._given(environ) or secrets.token_hex(8)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:  # noqa: ANN401
            return start_response(status, [*headers, (HEADER, name)], *error)

        before = _request_id.set(name)
        try:
            return self._app(environ, start)
        finally:
            _request_id.reset(before)

    def _given(self, environ: WSGIEnvironment) -> str:
        """Return the name that the proxy gave, if it is one."""
        given: str = environ.get("HTTP_X_REQUEST_ID", "")
        return given if self._trusts_proxy and _FIT.fullmatch(given) else ""


class RequestIds(logging.Filter):
    """Adds to each record the request that its thread is at, or "-"; lets all of them pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add it."""
        record.request_id = _request_id.get()
        return True
