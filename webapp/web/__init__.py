"""The pages: one module for each, named as its templates; `register` adds them to the app."""

from __future__ import annotations

from typing import Final

from flask import Flask

from webapp.settings import Settings
from webapp.web import (
    code,
    contact,
    correction,
    demo,
    embed,
    help,
    imports,
    install,
    outbox,
    page,
    statistics,
)
from webapp.web.rendering import recent

_BLUEPRINTS: Final = (
    page.blueprint,
    embed.blueprint,
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


def register(app: Flask, settings: Settings) -> None:
    """Register the pages of an app; those of the simulator only in demo mode."""
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.demo:
        app.register_blueprint(demo.blueprint)
