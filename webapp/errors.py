"""One handler and one template for every error, whatever its status."""

from __future__ import annotations

import logging
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import render_template, request
from werkzeug.exceptions import Forbidden, HTTPException, InternalServerError

from webapp import wording

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.sansio.response import Response


class CrossSite(Forbidden):
    """A form that another site's page sent."""

    text = wording.CROSS_SITE


log = logging.getLogger(__name__)

_FIRST_ERROR: Final = 400  # below it, an HTTPException is a redirect of the router
_FINAL: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


def register(app: Flask) -> None:
    """Let every error of this app end on the error page."""
    app.register_error_handler(Exception, show)


def show(error: Exception) -> Response:
    """Answer an error in Persian, with what to do next and nothing of what happened inside."""
    if not isinstance(error, HTTPException):
        _log(error)
        error = InternalServerError()
    response = error.get_response(request.environ)
    if response.status_code >= _FIRST_ERROR:
        general = wording.ERRORS.get(response.status_code, wording.OTHER_ERROR)
        text = getattr(error, "text", general)
        response.data = render_template(
            "error.html", error=text, status=response.status_code, retry=_retry(response)
        )
        response.content_type = "text/html; charset=utf-8"
    return response


def _retry(response: Response) -> str | None:
    """Return the page to open again, where that may help."""
    may_help = request.endpoint and response.status_code not in _FINAL
    return request.path if may_help else None


def _log(error: Exception) -> None:
    """Log where it happened; an exception's own text may quote what a person typed."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__name__, frames)
