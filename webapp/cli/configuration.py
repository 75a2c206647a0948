"""Reads the settings for the commands, and builds their services."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click
from sqlalchemy import make_url

from webapp import demo
from webapp.database import Database, DatabaseError
from webapp.database.engine import is_unmade
from webapp.forms import definitions_file
from webapp.forms.definitions_file import DefinitionError
from webapp.observability.metrics import Metrics
from webapp.reencryption import Reencryption
from webapp.services import DeliveryServices
from webapp.settings import PORTAL_URL, Settings, SettingsError
from webapp.web.security.rate_limits import redis_fault


def build_services(settings: Settings, metrics: Metrics | None = None) -> DeliveryServices:
    """Return the delivery services for these settings."""
    services = DeliveryServices.build(
        settings,
        portal_url=settings.amoot_url or PORTAL_URL,
        token=settings.amoot_token or demo.DEMO_TOKEN,
        metrics=metrics,
    )
    services.use(definitions_file.load(settings.forms_file, demo=settings.demo))
    return services


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


def faults(settings: Settings) -> list[str]:
    """Return what is wrong with each service: its setting, the error's code, and what to do.

    No file and no table is made or changed; a count of its own lives in Redis for two seconds.
    """
    return [*_database_faults(settings), *_redis_faults(settings)]


def _database_faults(settings: Settings) -> list[str]:
    database = Database.from_settings(settings)
    try:
        count = Reencryption(database).count_unreadable() if database.probe() else 0
    except DatabaseError as error:
        return [f"The database cannot be used: {error}"]
    if not count or not settings.secret_keys:  # the demo's key is in a file
        return []
    return [f"{count} rows cannot be decrypted: SECRET_KEY lacks the key that they are under."]


def count_older(settings: Settings) -> int:
    """Return how many rows are under an older key of `SECRET_KEY`; 0 if that is not known."""
    database = Database.from_settings(settings)
    with contextlib.suppress(DatabaseError):
        if database.probe():
            return Reencryption(database).count_older()
    return 0


def _redis_faults(settings: Settings) -> list[str]:
    fault = settings.redis_url and redis_fault(settings.redis_url)
    return [f"Redis cannot be used: {fault}"] if fault else []
