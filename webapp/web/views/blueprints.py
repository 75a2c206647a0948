"""Every page of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from webapp.web.views import (
    code,
    demo,
    duplicates,
    embed,
    header,
    health,
    imports,
    install,
    link,
    outbox,
    page,
    recent,
    statistics,
)

if TYPE_CHECKING:
    from flask import Flask

    from webapp.settings import Settings

_VIEWS: Final = (
    page,
    embed,
    code,
    duplicates,
    recent,
    install,
    link,
    outbox,
    imports,
    statistics,
    header,
)


def register(app: Flask, settings: Settings) -> None:
    """Register the pages of an app; those of the simulator only in demo mode."""
    for view in _VIEWS:
        app.register_blueprint(view.blueprint)
    if settings.demo:
        app.register_blueprint(demo.blueprint)
    health.register(app)
