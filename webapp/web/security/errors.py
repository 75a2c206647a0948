"""The error handler: one template for every error status."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from flask import Flask, render_template, request
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    SecurityError,
    ServiceUnavailable,
)
from werkzeug.sansio.response import Response

from webapp import messages
from webapp.database import DatabaseError
from webapp.forms.definitions import FormDefinition
from webapp.observability import RareWarnings, log_exception
from webapp.web.security.request import embedded_form

log = logging.getLogger(__name__)

_FIRST_ERROR: Final = 400  # a lower one is a redirect of the router
_OTHER_HOST: Final = (
    "refused a request for the host %.100r: PUBLIC_URL names another; does the proxy pass the host "
    "on?"
)
_NOT_RETRYABLE: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


class DatabaseDown(ServiceUnavailable):
    """The database is unreachable, full or damaged."""

    text = messages.DATABASE_DOWN


def register(app: Flask, definitions: Mapping[str, FormDefinition]) -> None:
    """Show the error page for every error of an app with these forms."""
    warnings = RareWarnings(log)

    @app.errorhandler(Exception)
    def _(error: Exception) -> Response:
        if isinstance(error, SecurityError):
            warnings.warning(_OTHER_HOST, request.environ.get("HTTP_HOST"), chosen_by_sender=True)
        return show(error, embedded_form(definitions, request.path))


def show(error: Exception, frame: FormDefinition | None) -> Response:
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


def _retry(response: Response) -> str | None:
    """Return the path and query to open again, if that may help."""
    opens = request.url_rule and "GET" in (request.url_rule.methods or ())
    return (
        request.full_path.rstrip("?")
        if opens and response.status_code not in _NOT_RETRYABLE
        else None
    )
