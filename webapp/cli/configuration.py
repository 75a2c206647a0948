"""Reads the settings for the commands, and builds their services."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import make_url

from webapp import demo
from webapp.database.engine import is_unmade
from webapp.forms import definitions_file
from webapp.forms.definitions_file import DefinitionError
from webapp.services import DeliveryServices
from webapp.settings import PORTAL_URL, Settings, SettingsError

if TYPE_CHECKING:
    from webapp.observability.metrics import Metrics


def build_services(settings: Settings, metrics: Metrics | None = None) -> DeliveryServices:
    """Return the delivery services for these settings."""
    return DeliveryServices.build(
        settings,
        portal_url=settings.amoot_url or PORTAL_URL,
        token=settings.amoot_token or demo.DEMO_TOKEN,
        metrics=metrics,
    )


def has_outbox(settings: Settings) -> bool:
    """Return whether there is an outbox: a server, or the file that a server has made."""
    url = make_url(settings.outbox_url)
    return url.get_backend_name() != "sqlite" or not is_unmade(Path(url.database or ""))


def read_settings() -> Settings:
    """Read settings and forms; one message names all errors of both."""
    faults = []
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        faults.append(str(error))
    try:
        definitions_file.load(
            Path(os.environ["FORMS_FILE"]) if os.environ.get("FORMS_FILE") else None
        )
    except DefinitionError as error:
        faults.append(str(error))
    if faults:
        raise click.ClickException("\n".join(faults))
    return settings
