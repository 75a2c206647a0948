"""Counts each request in the metrics: its route, its status and how long it took."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import request

from webapp.web.views import services
from webapp.web.views.health import VIEWS

if TYPE_CHECKING:
    from flask import Flask, Response

# In the environment: `g` is shared with what is rendered within the request.
_BEGAN: Final = "amoot_form.began"
_STATUS: Final = "amoot_form.status"
_NO_ROUTE: Final = "-"


def register(app: Flask) -> None:
    """Count the requests of an app. Before anything else that looks at requests."""
    app.before_request(_begin)
    app.after_request(_keep_status)
    app.teardown_request(_end)


def _begin() -> None:
    request.environ[_BEGAN] = time.monotonic()
    services().metrics.request_began()


def _keep_status(response: Response) -> Response:
    request.environ[_STATUS] = response.status_code
    return response


def _end(_: BaseException | None) -> None:
    began = request.environ.pop(_BEGAN, None)
    if began is None:  # rendered within another request
        return
    rule = request.url_rule
    route = rule.rule if rule else request.path if request.path in VIEWS else _NO_ROUTE
    # Neither a path nor a method that a robot has made up.
    method = _NO_ROUTE if route == _NO_ROUTE else request.method
    status = request.environ.pop(_STATUS, HTTPStatus.INTERNAL_SERVER_ERROR)
    services().metrics.request_ended(method, route, status, time.monotonic() - began)
