"""One handler and one template for every error, whatever its status."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import render_template, request
from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
)

from webapp import messages
from webapp.delivery.database import DatabaseError
from webapp.forms.request_origin import framed
from webapp.observability.error_log import log_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask
    from werkzeug.sansio.response import Response

    from webapp.forms.definitions import FormDefinition


log = logging.getLogger(__name__)

_FIRST_ERROR: Final = 400  # below it, an HTTPException is a redirect of the router
_FINAL: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


class CrossSite(Forbidden):
    """A form that another site's page sent."""

    text = messages.CROSS_SITE


class Forwarded(Forbidden):
    """A request through a proxy that the settings do not know."""

    text = messages.FORWARDED


class UncertainHost(Forbidden):
    """A request for an operator's page under a name that anybody may have given us."""

    text = messages.UNCERTAIN_HOST


class StoreDown(ServiceUnavailable):
    """The store is out of reach, full or broken."""

    text = messages.STORE_DOWN


def register(app: Flask, definitions: Mapping[str, FormDefinition]) -> None:
    """Let every error of an app with these forms end on the error page."""
    app.register_error_handler(
        Exception, lambda error: show(error, framed(definitions, request.path))
    )


def show(error: Exception, frame: FormDefinition | None) -> Response:
    """Answer an error in Persian, with what to do next and nothing of what happened inside."""
    if not isinstance(error, HTTPException):
        log_exception(log, error)
        error = StoreDown() if isinstance(error, DatabaseError) else InternalServerError()
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
    """Return the page to open again, where that may help."""
    opens = request.url_rule and "GET" in (request.url_rule.methods or ())
    return request.path if opens and response.status_code not in _FINAL else None
