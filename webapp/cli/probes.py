"""Tries the services that the settings name: the database, its folder, and Redis."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from webapp.database import Database, DatabaseError
from webapp.services import Reencryption
from webapp.web.rate_limits import redis_fault

if TYPE_CHECKING:
    from webapp.settings import Settings


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
