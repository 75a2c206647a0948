"""Tries the services that the settings name: the database, its folder, and Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.delivery.database import Database, DatabaseError
from webapp.web.rate_limits import redis_fault

if TYPE_CHECKING:
    from webapp.settings import Settings


def faults(settings: Settings) -> list[str]:
    """Return what is wrong with each service: its setting, the error's code, and what to do.

    No file and no table is made or changed; a count of its own lives in Redis for two seconds.
    """
    return [*_database_faults(settings), *_redis_faults(settings)]


def _database_faults(settings: Settings) -> list[str]:
    try:
        Database.from_settings(settings).probe()
    except DatabaseError as error:
        return [f"The database cannot be used: {error}"]
    return []


def _redis_faults(settings: Settings) -> list[str]:
    fault = settings.redis_url and redis_fault(settings.redis_url)
    return [f"Redis cannot be used: {fault}"] if fault else []
