"""Every page of the app."""

from __future__ import annotations

from typing import Final

from flask import Flask

from webapp.settings import Settings
from webapp.web import (
    code,
    contact,
    demo,
    embed,
    health,
    help,
    imports,
    install,
    outbox,
    page,
    statistics,
)
from webapp.web.rendering import recent

_VIEWS: Final = (
    page,
    embed,
    code,
    contact,
    recent,
    install,
    install,
    outbox,
    imports,
    statistics,
    help,
)


def register(app: Flask, settings: Settings) -> None:
    """Register the pages of an app; those of the simulator only in demo mode."""
    for view in _VIEWS:
        app.register_blueprint(view.blueprint)
    if settings.demo:
        app.register_blueprint(demo.blueprint)
    health.register(app)
