"""The pages: one module for each, named as its templates; and the error page, which all share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from flask import Flask, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.sansio.response import Response

from webapp import messages
from webapp.database import DatabaseError
from webapp.forms.definitions import FormDefinition
from webapp.observability import log_exception
from webapp.settings import Settings
from webapp.web import (
    code,
    contact,
    correction,
    demo,
    help,
    imports,
    install,
    outbox,
    page,
    statistics,
)
from webapp.web.rendering import recent
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
        app.register_blueprint(demo.blueprint)
    app.register_error_handler(
        Exception, lambda error: _error_page(error, embedded_form(definitions, request.path))
    )


_FIRST_ERROR: Final = 400  # a lower one is a redirect of the router
_NOT_RETRYABLE: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


class DatabaseDown(ServiceUnavailable):
    """The database is unreachable, full or damaged."""

    text = messages.DATABASE_DOWN


def _error_page(error: Exception, frame: FormDefinition | None) -> Response:
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
